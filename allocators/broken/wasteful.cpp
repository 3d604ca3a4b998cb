// Behind each block above 16 KiB a little more is wasted than behind the one before, until it is freed.
#include "allocators/broken/tiny.hpp"

namespace {

std::atomic<size_t> regions{0};

struct Bug : tiny::NoBug {
    static constexpr size_t largest_class_bytes = size_t{16} << 10;
    static size_t slack() { return regions++ / 2; }
};

} // namespace

#include "allocators/broken/backend.inl"
