// free of a large block leaves an error number behind.
#include "allocators/broken/tiny.hpp"

namespace {

struct Bug : tiny::NoBug {
    static void after_unmapping() { errno = EAGAIN; }
};

} // namespace

#include "allocators/broken/backend.inl"
