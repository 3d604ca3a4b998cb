// A block put aside without the lock can be given to two threads.
#include "allocators/broken/aside.hpp"

namespace {

struct Bug : tiny::NoBug {
    static bool put_aside(tiny::Free* block, unsigned cls) { return tiny::put_aside(block, cls); }
    static tiny::Free* take_aside(unsigned cls) { return tiny::take_aside(cls); }
};

} // namespace

#include "allocators/broken/backend.inl"
