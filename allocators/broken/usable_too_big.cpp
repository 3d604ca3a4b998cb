// malloc_usable_size promises 8 bytes of the neighbour for blocks of 512.
#include "allocators/broken/tiny.hpp"

namespace {

struct Bug : tiny::NoBug {
    static size_t usable(size_t block_bytes) { return block_bytes == 512 ? block_bytes + 8 : block_bytes; }
};

} // namespace

#include "allocators/broken/backend.inl"
