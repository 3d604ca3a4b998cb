// realloc that moves a block of more than 1 KiB loses its last 8 bytes.
#include "allocators/broken/tiny.hpp"

namespace {

struct Bug : tiny::NoBug {
    static size_t bytes_to_keep(size_t bytes) { return bytes > 1024 ? bytes - 8 : bytes; }
};

} // namespace

#include "allocators/broken/backend.inl"
