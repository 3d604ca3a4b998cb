#include "workloads/kernel/kernel_pattern.hpp"

#include "base/error.hpp"
#include "workloads/engine/die.hpp"

#include <cstring>
#include <numeric>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <utility>

namespace faultline::kernel {

namespace {

std::uint64_t word_of(std::uint32_t page, std::uint64_t cookie) {
    return engine::mix64(cookie + page);
}

} // namespace

void refused(const char* what) {
    engine::die(static_cast<int>(Exit::os), "%s: %s", what, strerrordesc_np(errno));
}

Area::Area(std::size_t bytes, int flags, int fd, int protection) : bytes_(bytes) {
    const int kind = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : 0;
    void* mapped = mmap(nullptr, bytes, protection, kind | flags, fd, 0);
    if (mapped == MAP_FAILED)
        refused("cannot map the pattern's memory");
    base_ = static_cast<char*>(mapped);
}

void Area::reset() {
    if (base_ != nullptr)
        munmap(std::exchange(base_, nullptr), bytes_);
}

void Area::advise(int advice, const char* what) const {
    done(madvise(base_, bytes_, advice), what);
}

std::span<const std::uint32_t> page_order(engine::Arena& arena, std::size_t pages, bool random,
                                          std::uint64_t seed) {
    const std::span<std::uint32_t> order = arena.array<std::uint32_t>(pages);
    std::iota(order.begin(), order.end(), 0U);
    engine::Rng draw(seed);
    for (std::size_t i = random ? pages : 0; i > 1; --i)
        std::swap(order[i - 1], order[draw.below(i)]);
    return order;
}

void write_pages(char* base, std::span<const std::uint32_t> order, std::uint64_t cookie) {
    for (const std::uint32_t page : order) {
        const std::uint64_t word = word_of(page, cookie);
        std::memcpy(base + page * page_bytes, &word, sizeof word);
    }
}

std::uint64_t check_pages(const char* base, std::span<const std::uint32_t> order, std::uint64_t cookie) {
    std::uint64_t sum = 0;
    for (const std::uint32_t page : order) {
        std::uint64_t word = 0;
        std::memcpy(&word, base + page * page_bytes, sizeof word);
        if (word != word_of(page, cookie)) [[unlikely]]
            engine::die_corrupt(base + page * page_bytes, page_bytes);
        sum += word;
    }
    return sum;
}

std::uint64_t read_pages(const char* base, std::span<const std::uint32_t> order) {
    std::uint64_t sum = 0;
    for (const std::uint32_t page : order) {
        std::uint64_t word = 0;
        std::memcpy(&word, base + page * page_bytes, sizeof word);
        asm volatile("" : "+r"(word));
        sum += word;
    }
    return sum;
}

SmallPages::SmallPages() {
    done(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), "cannot turn huge pages off");
}
SmallPages::~SmallPages() {
    prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
}

} // namespace faultline::kernel
