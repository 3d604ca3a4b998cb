#include "workloads/stress/blocks.hpp"

namespace faultline::stress {
namespace {

unsigned char pattern_byte(std::size_t at, std::uint64_t key) {
    return static_cast<unsigned char>((at * 131 + key * 0x9e3779b97f4a7c15ULL) >> 3);
}

} // namespace

std::size_t first_other(const void* block, std::size_t bytes, unsigned char value) {
    const auto* at = static_cast<const unsigned char*>(block);
    for (std::size_t i = 0; i < bytes; ++i) {
        if (at[i] != value) {
            return i;
        }
    }
    return no_such_byte;
}

void write_pattern(void* block, std::size_t bytes, std::uint64_t key) {
    auto* at = static_cast<unsigned char*>(block);
    for (std::size_t i = 0; i < bytes; ++i) {
        at[i] = pattern_byte(i, key);
    }
}

std::size_t first_unlike(const void* block, std::size_t bytes, std::uint64_t key) {
    const auto* at = static_cast<const unsigned char*>(block);
    for (std::size_t i = 0; i < bytes; ++i) {
        if (at[i] != pattern_byte(i, key)) {
            return i;
        }
    }
    return no_such_byte;
}

} // namespace faultline::stress
