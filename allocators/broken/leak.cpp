// One free in 64 is forgotten.
#include "allocators/broken/tiny.hpp"

namespace {

thread_local unsigned frees = 0;

struct Bug : tiny::NoBug {
    static bool forgets_to_free() { return ++frees % 64 == 0; }
};

} // namespace

#include "allocators/broken/backend.inl"
