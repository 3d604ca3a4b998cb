// fork finds the lock as another thread left it: a child may wait for ever.
#include "allocators/broken/tiny.hpp"

namespace {

struct Bug : tiny::NoBug {
    static constexpr bool prepares_for_fork = false;
};

} // namespace

#include "allocators/broken/backend.inl"
