#include "workloads/stress/random/live_index.hpp"

#include "base/error.hpp"
#include "workloads/engine/die.hpp"

#include <algorithm>
#include <sys/mman.h>

namespace faultline::stress {
namespace {

constexpr unsigned address_bits = 48;
constexpr unsigned leaf_shift = 22; // a leaf covers 4 MiB
constexpr std::uintptr_t leaf_span = std::uintptr_t{1} << leaf_shift;
constexpr std::size_t leaf_words = leaf_span / 8 / 64;
constexpr std::size_t root_entries = std::size_t{1} << (address_bits - leaf_shift);
constexpr std::uintptr_t word_span = 8 * 64;

void* map(std::size_t bytes, int flags) {
    void* mapping = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    if (mapping == MAP_FAILED) {
        engine::die(static_cast<int>(Exit::os), "cannot map %zu bytes for the index of living blocks", bytes);
    }
    return mapping;
}

// Calls use(word address, mask) for each word that [begin, end) touches, both multiples of eight.
template <typename Use>
std::uintptr_t for_each_word(std::uintptr_t begin, std::uintptr_t end, Use use) {
    while (begin < end) {
        const std::uintptr_t word = begin & ~(word_span - 1);
        const std::uintptr_t stop = std::min(end, word + word_span);
        const unsigned first = static_cast<unsigned>((begin - word) / 8);
        const unsigned count = static_cast<unsigned>((stop - begin) / 8);
        const std::uint64_t mask = (count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1)
                                   << first;
        if (const std::uint64_t taken = use(word, mask); taken != 0) {
            return word + 8 * static_cast<unsigned>(__builtin_ctzll(taken));
        }
        begin = stop;
    }
    return 0;
}

constexpr std::uintptr_t up(std::uintptr_t address) {
    return (address + 7) & ~std::uintptr_t{7};
}
constexpr std::uintptr_t down(std::uintptr_t address) {
    return address & ~std::uintptr_t{7};
}

} // namespace

LiveIndex::LiveIndex()
    : root_(static_cast<std::atomic<Word*>*>(map(root_entries * sizeof(Word*), MAP_NORESERVE))) {}

LiveIndex::~LiveIndex() {
    for (std::size_t i = 0; leaf_bytes_ > 0 && i < root_entries; ++i) {
        if (Word* words = root_[i]) {
            munmap(words, leaf_words * sizeof(Word));
            leaf_bytes_ -= leaf_words * sizeof(Word);
        }
    }
    munmap(root_, root_entries * sizeof(Word*));
}

std::atomic<LiveIndex::Word*>& LiveIndex::leaf_at(std::uintptr_t address) {
    return root_[address >> leaf_shift & (root_entries - 1)];
}

LiveIndex::Word* LiveIndex::leaf(std::uintptr_t address) {
    std::atomic<Word*>& place = leaf_at(address);
    Word* words = place.load(std::memory_order_acquire);
    if (words == nullptr) {
        auto* made = static_cast<Word*>(map(leaf_words * sizeof(Word), MAP_POPULATE));
        if (place.compare_exchange_strong(words, made)) {
            leaf_bytes_ += leaf_words * sizeof(Word);
            return made;
        }
        munmap(made, leaf_words * sizeof(Word));
    }
    return words;
}

std::uintptr_t LiveIndex::add(std::uintptr_t address, std::size_t bytes) {
    return for_each_word(up(address), down(address + bytes), [this](std::uintptr_t at, std::uint64_t mask) {
        return leaf(at)[(at & (leaf_span - 1)) / word_span].fetch_or(mask, std::memory_order_acq_rel) & mask;
    });
}

void LiveIndex::remove(std::uintptr_t address, std::size_t bytes) {
    for_each_word(up(address), down(address + bytes), [this](std::uintptr_t at, std::uint64_t mask) {
        leaf(at)[(at & (leaf_span - 1)) / word_span].fetch_and(~mask, std::memory_order_acq_rel);
        return std::uint64_t{0};
    });
}

std::uint64_t LiveIndex::own_bytes() const {
    return leaf_bytes_;
}

} // namespace faultline::stress
