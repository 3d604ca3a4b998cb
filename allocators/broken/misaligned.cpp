// An alignment of 128 bytes is forgotten where the size is smaller.
#include "allocators/broken/tiny.hpp"

namespace {

struct Bug : tiny::NoBug {
    static size_t bytes_for(size_t alignment, size_t size) {
        return alignment == 128 ? size : NoBug::bytes_for(alignment, size);
    }
};

} // namespace

#include "allocators/broken/backend.inl"
