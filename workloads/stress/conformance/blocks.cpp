// What malloc and calloc give: blocks of their own, aligned, and zero where asked for.
#include "workloads/stress/blocks.hpp"
#include "workloads/stress/conformance/tables.hpp"
#include "workloads/stress/voice.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <malloc.h>

namespace faultline::stress::conformance {
namespace {

void blocks_apart(const Task& /*task*/) {
    constexpr unsigned count = 6000;
    static unsigned char* blocks[count];
    static std::size_t sizes[count];
    for (unsigned round = 0; round < 6; ++round) {
        for (unsigned i = round % 2; i < count; i += 1 + round % 2) {
            std::free(blocks[i]);
            sizes[i] = i % 500 == 0 ? 300000 + i : (i * 2654435761U + round * 977) % 3000;
            blocks[i] = static_cast<unsigned char*>(std::malloc(sizes[i]));
            FAULTLINE_EXPECT(blocks[i] != nullptr || sizes[i] == 0, "malloc(%zu) returned NULL", sizes[i]);
            write_pattern(blocks[i], sizes[i], i);
        }
        for (unsigned i = 0; i < count; ++i) {
            const std::size_t at = blocks[i] == nullptr ? no_such_byte : first_unlike(blocks[i], sizes[i], i);
            FAULTLINE_EXPECT(at == no_such_byte,
                             "byte %zu of a block of %zu bytes at %p is not what was written", at, sizes[i],
                             static_cast<void*>(blocks[i]));
        }
    }
    for (unsigned char* block : blocks) {
        std::free(block);
    }
}

// A type no larger than the block has an alignment no larger than the block (N2293, in C23), and never more than
// max_align_t's. Some allocators use that for blocks of 8 bytes.
void aligned_for_any_type(const Task& /*task*/) {
    bool weaker = false;
    for (std::size_t size = 1; size <= 5000; ++size) {
        std::size_t needed = alignof(std::max_align_t);
        while (needed > size) {
            needed /= 2;
        }
        void* blocks[] = {std::malloc(size), std::calloc(1, size), std::realloc(nullptr, size)};
        for (void* block : blocks) {
            FAULTLINE_EXPECT(is_aligned(block, needed), "a block of %zu bytes at %p is not aligned to %zu",
                             size, block, needed);
            weaker = weaker || !is_aligned(block, alignof(std::max_align_t));
            std::free(block);
        }
    }
    if (weaker) {
        note("a block too small for it is not aligned to max_align_t's %zu", alignof(std::max_align_t));
    }
}

void zero_bytes(const Task& /*task*/) {
    void* blocks[100];
    for (void*& block : blocks) {
        block = std::malloc(opaque<std::size_t>(0));
        for (void** other = blocks; other != &block; ++other) {
            FAULTLINE_EXPECT(block == nullptr || block != *other, "malloc(0) gave %p twice", block);
        }
    }
    for (void* block : blocks) {
        std::free(block);
    }
    void* zeroed = std::calloc(opaque<std::size_t>(0), 8);
    std::free(zeroed);
    if (blocks[0] == nullptr || zeroed == nullptr) {
        note("malloc(0) or calloc(0, 8) is NULL");
    }
}

void free_of_null(const Task& /*task*/) {
    std::free(opaque<void*>(nullptr));
    errno = 1234;
    std::free(opaque<void*>(nullptr));
    FAULTLINE_EXPECT(errno == 1234, "free(NULL) set errno to %d", errno);
}

constexpr std::size_t reuse_sizes[] = {1, 16, 24, 100, 1000, 5000, 33000, 70000, 300000, 3000000, 20000000};

void calloc_zero_after_reuse(const Task& /*task*/) {
    for (const std::size_t size : reuse_sizes) {
        for (int round = 0; round < (size > 1000000 ? 6 : 50); ++round) {
            auto* dirty = static_cast<unsigned char*>(std::malloc(size));
            FAULTLINE_EXPECT(dirty != nullptr, "malloc(%zu) returned NULL", size);
            std::memset(dirty, 0xff, size);
            std::free(opaque(dirty));
            auto* block = static_cast<unsigned char*>(std::calloc(size, 1));
            FAULTLINE_EXPECT(block != nullptr, "calloc(%zu, 1) returned NULL", size);
            const std::size_t at = first_other(block, size, 0);
            FAULTLINE_EXPECT(at == no_such_byte, "byte %zu of calloc(%zu, 1) is 0x%02x, not 0", at, size,
                             block[at]);
            std::memset(block, 0xff, size);
            std::free(opaque(block));
        }
    }
}

constexpr Check checks[] = {
    {"conformance.blocks-apart", "blocks that live at once do not overlap, and keep what is written to them",
     "C17 7.22.3", blocks_apart},
    {"conformance.malloc-alignment", "a block is aligned for every type that fits into it", "C23 7.24.3",
     aligned_for_any_type},
    {"conformance.malloc-zero-bytes", "malloc(0) is NULL or a block of its own that can be freed",
     "C17 7.22.3", zero_bytes},
    {"conformance.free-null", "free(NULL) does nothing", "C17 7.22.3.3", free_of_null},
    {"conformance.calloc-zero-after-reuse", "calloc gives zeros also where memory is used again",
     "C17 7.22.3.2", calloc_zero_after_reuse, 30},
};

} // namespace

std::span<const Check> block_checks() {
    return checks;
}

} // namespace faultline::stress::conformance
