// calloc clears whole cache lines only: the last bytes keep what an earlier block held.
#include "allocators/broken/tiny.hpp"

namespace {

struct Bug : tiny::NoBug {
    static size_t bytes_to_zero(size_t size) { return size > 1024 ? size & ~size_t{63} : size; }
};

} // namespace

#include "allocators/broken/backend.inl"
