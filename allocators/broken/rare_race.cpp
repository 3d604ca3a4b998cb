// As handed_out_twice, but only one free in 512 puts its block aside: the race shows about once in a million calls.
#include "allocators/broken/aside.hpp"

namespace {

thread_local unsigned frees = 0;

struct Bug : tiny::NoBug {
    static bool put_aside(tiny::Free* block, unsigned cls) {
        return ++frees % 512 == 0 && tiny::put_aside(block, cls);
    }
    static tiny::Free* take_aside(unsigned cls) { return tiny::take_aside(cls); }
};

} // namespace

#include "allocators/broken/backend.inl"
