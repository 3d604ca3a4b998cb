// realloc and reallocarray: what was in a block stays, also when they fail.
#include "workloads/stress/blocks.hpp"
#include "workloads/stress/conformance/tables.hpp"
#include "workloads/stress/voice.hpp"

#include <algorithm>
#include <cstdlib>
#include <malloc.h>

#if defined(__GNUC__) && !defined(__clang__) // after a realloc that failed the old block is looked at
#pragma GCC diagnostic ignored "-Wuse-after-free"
#endif

namespace faultline::stress::conformance {
namespace {

void expect_pattern(const void* block, std::size_t bytes, std::uint64_t key, std::size_t from,
                    std::size_t to) {
    const std::size_t at = first_unlike(block, bytes, key);
    FAULTLINE_EXPECT(at == no_such_byte, "byte %zu was lost when %zu bytes became %zu", at, from, to);
}

constexpr std::size_t sizes[] = {1, 15, 24, 100, 500, 1024, 5000, 33000, 100000, 700000, 2000000, 30000000};

void keeps_content(const Task& /*task*/) {
    for (const std::size_t from : sizes) {
        for (const std::size_t to : sizes) {
            void* block = std::malloc(from);
            FAULTLINE_EXPECT(block != nullptr, "malloc(%zu) returned NULL", from);
            write_pattern(block, from, from);
            void* moved = std::realloc(block, to);
            FAULTLINE_EXPECT(moved != nullptr, "realloc of %zu bytes to %zu returned NULL", from, to);
            expect_pattern(moved, std::min(from, to), from, from, to);
            write_pattern(moved, to, to);
            std::free(moved);
        }
    }
}

// As a growing vector has it, with a neighbour behind it that must not be run over.
void grows_by_steps(const Task& /*task*/) {
    void* block = nullptr;
    std::size_t size = 0;
    while (size < 40000000) {
        const std::size_t more = size + size / 3 + 17;
        block = std::realloc(block, more);
        FAULTLINE_EXPECT(block != nullptr, "realloc to %zu bytes returned NULL", more);
        expect_pattern(block, size, 5, size, more);
        write_pattern(block, more, 5);
        void* neighbour = std::malloc(more);
        FAULTLINE_EXPECT(neighbour != nullptr, "malloc(%zu) returned NULL", more);
        write_pattern(neighbour, more, 6);
        expect_pattern(block, more, 5, more, more);
        std::free(neighbour);
        size = more;
    }
    std::free(block);
}

void of_null(const Task& /*task*/) {
    void* block = std::realloc(opaque<void*>(nullptr), 40);
    FAULTLINE_EXPECT(block != nullptr, "realloc(NULL, 40) returned NULL");
    write_pattern(block, 40, 1);
    std::free(block);
}

void to_zero(const Task& /*task*/) {
    bool gave_block = false;
    for (std::size_t i = 0; i < 1000; ++i) {
        void* block = std::malloc(100 + i * 50);
        void* empty = std::realloc(block, opaque<std::size_t>(0));
        gave_block = gave_block || empty != nullptr;
        std::free(empty);
    }
    if (gave_block) {
        note("realloc(p, 0) gives a block, where glibc frees p and gives NULL");
    }
}

void failure_keeps_content(const Task& /*task*/) {
    for (const std::size_t size : sizes) {
        void* block = std::malloc(size);
        FAULTLINE_EXPECT(block != nullptr, "malloc(%zu) returned NULL", size);
        write_pattern(block, size, size);
        for (const std::size_t more : {SIZE_MAX / 2 + 1, SIZE_MAX - 4095, SIZE_MAX}) {
            void* moved = std::realloc(opaque(block), opaque(more));
            FAULTLINE_EXPECT(moved == nullptr, "realloc of %zu bytes at %p to %zu gave %p", size, block, more,
                             moved);
            expect_pattern(block, size, size, size, more);
        }
        std::free(block);
    }
}

void array(const Task& /*task*/) {
    void* block = ::reallocarray(nullptr, 10, 30);
    FAULTLINE_EXPECT(block != nullptr, "reallocarray(NULL, 10, 30) returned NULL");
    write_pattern(block, 300, 7);
    block = ::reallocarray(block, 1000, 30);
    FAULTLINE_EXPECT(block != nullptr, "reallocarray to 30000 bytes returned NULL");
    expect_pattern(block, 300, 7, 300, 30000);
    void* moved = ::reallocarray(opaque(block), opaque(SIZE_MAX / 2), opaque<std::size_t>(3));
    FAULTLINE_EXPECT(moved == nullptr, "reallocarray(p, SIZE_MAX / 2, 3) gave %p", moved);
    expect_pattern(block, 300, 7, 300, 300);
    std::free(block);
}

void of_aligned(const Task& /*task*/) {
    for (const std::size_t alignment : {32UL, 64UL, 1024UL, 4096UL, 65536UL}) {
        for (const std::size_t size : {1UL, 100UL, 5000UL, 200000UL}) {
            void* block = nullptr;
            FAULTLINE_EXPECT(::posix_memalign(&block, alignment, size) == 0,
                             "posix_memalign(%zu, %zu) failed", alignment, size);
            write_pattern(block, size, alignment);
            void* grown = std::realloc(block, size * 3);
            FAULTLINE_EXPECT(grown != nullptr, "realloc of an aligned block to %zu bytes returned NULL",
                             size * 3);
            expect_pattern(grown, size, alignment, size, size * 3);
            void* shrunk = std::realloc(grown, size / 2 + 1);
            FAULTLINE_EXPECT(shrunk != nullptr, "realloc of an aligned block to %zu bytes returned NULL",
                             size / 2 + 1);
            expect_pattern(shrunk, size / 2 + 1, alignment, size * 3, size / 2 + 1);
            std::free(shrunk);
        }
    }
}

constexpr Check checks[] = {
    {"conformance.realloc-keeps-content", "realloc keeps what fits into the new size", "C17 7.22.3.5",
     keeps_content, 30},
    {"conformance.realloc-by-steps",
     "a block that grows step by step keeps its content and leaves others alone", "C17 7.22.3.5",
     grows_by_steps, 30},
    {"conformance.realloc-null", "realloc(NULL, n) is malloc(n)", "C17 7.22.3.5", of_null},
    {"conformance.realloc-to-zero", "what realloc(p, 0) returns is NULL or can be freed", "C17 7.22.3.5",
     to_zero},
    {"conformance.realloc-failure-keeps-content", "realloc that fails leaves the block as it was",
     "C17 7.22.3.5, POSIX", failure_keeps_content},
    {"conformance.reallocarray", "reallocarray is realloc, and fails where the product overflows",
     "POSIX.1-2024, glibc manual", array},
    {"conformance.realloc-of-aligned", "an aligned block can be given to realloc, and keeps its content",
     "POSIX", of_aligned},
};

} // namespace

std::span<const Check> realloc_checks() {
    return checks;
}

} // namespace faultline::stress::conformance
