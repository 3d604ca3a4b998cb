#include "workloads/stress/random/pattern.hpp"

#include "workloads/engine/rng.hpp"

#include <algorithm>
#include <cstring>

namespace faultline::stress {
namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t line = 64;

std::uint64_t word_at(std::uint64_t key, std::size_t index) {
    return (key + index) * engine::golden_gamma;
}

// Calls use(begin, end) for the parts of a block of `bytes` that are written, in order, while it returns false; begins
// are multiples of 8. `whole` is the size up to which that is everything.
template <typename Use>
void for_each_part(std::size_t bytes, std::size_t whole, Use use) {
    if (bytes <= whole) {
        use(0, bytes);
        return;
    }
    const std::size_t stride = bytes > 64 * page ? 16 * page : page;
    const std::size_t tail = (bytes - page) & ~std::size_t{7};
    if (use(0, page)) {
        return;
    }
    for (std::size_t at = page; at + line <= tail; at += stride) {
        const std::size_t begin = at + (at / page * line) % page; // not always the same cache set
        if (begin + line <= tail && use(begin, begin + line)) {
            return;
        }
    }
    use(tail, bytes);
}

constexpr std::size_t whole_pattern = 4 * page;

} // namespace

void write_pattern_of(void* block, std::size_t bytes, std::uint64_t key) {
    auto* base = static_cast<unsigned char*>(block);
    for_each_part(bytes, whole_pattern, [&](std::size_t begin, std::size_t end) {
        std::size_t at = begin;
        for (; at + 8 <= end; at += 8) {
            const std::uint64_t word = word_at(key, at / 8);
            std::memcpy(base + at, &word, 8);
        }
        const std::uint64_t word = word_at(key, at / 8);
        std::memcpy(base + at, &word, end - at);
        return false;
    });
}

std::size_t first_difference(const void* block, std::size_t written, std::size_t bytes, std::uint64_t key) {
    const auto* base = static_cast<const unsigned char*>(block);
    std::size_t found = all_as_written;
    for_each_part(written, whole_pattern, [&](std::size_t begin, std::size_t end) {
        end = std::min(end, bytes);
        std::size_t at = begin;
        for (std::uint64_t word = 0; at + 8 <= end; at += 8) {
            std::memcpy(&word, base + at, 8);
            if (word != word_at(key, at / 8)) {
                break;
            }
        }
        if (at < end) {
            const std::uint64_t word = word_at(key, at / 8);
            const std::size_t length = std::min<std::size_t>(8, end - at);
            if (std::memcmp(base + at, &word, length) != 0) {
                const auto* wanted = reinterpret_cast<const unsigned char*>(&word);
                found = at + static_cast<std::size_t>(
                                 std::mismatch(base + at, base + at + length, wanted).first - (base + at));
                return true;
            }
        }
        return end == bytes;
    });
    return found;
}

std::size_t first_not_zero(const void* block, std::size_t bytes) {
    const auto* base = static_cast<const unsigned char*>(block);
    std::size_t found = all_as_written;
    for_each_part(bytes, 64 * page, [&](std::size_t begin, std::size_t end) {
        std::size_t at = begin;
        std::uint64_t word = 0;
        for (; at + 8 <= end && word == 0; at += 8) {
            std::memcpy(&word, base + at, 8);
        }
        const auto* from = base + (word != 0 ? at - 8 : at);
        const auto* other = std::find_if(from, base + end, [](unsigned char byte) { return byte != 0; });
        if (other != base + end) {
            found = static_cast<std::size_t>(other - base);
        }
        return found != all_as_written;
    });
    return found;
}

} // namespace faultline::stress
