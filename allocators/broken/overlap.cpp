// Blocks overlap: one in 1,024 begins 16 bytes before the one below it ends.
#include "allocators/broken/tiny.hpp"

namespace {

struct Bug : tiny::NoBug {
    static size_t stride(size_t block_bytes, uint64_t n) {
        return n % 1024 == 0 ? block_bytes - 16 : block_bytes;
    }
};

} // namespace

#include "allocators/broken/backend.inl"
