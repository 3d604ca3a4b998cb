// The functions that take an alignment, and those that give whole pages.
#include "workloads/stress/blocks.hpp"
#include "workloads/stress/conformance/tables.hpp"
#include "workloads/stress/symbols.hpp"
#include "workloads/stress/voice.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <malloc.h>
#include <new>
#include <span>
#include <unistd.h>

namespace faultline::stress::conformance {
namespace {

constexpr std::size_t gibibyte = 1UL << 30;

// To one side of the block and to the other, without touching what lies between in a large one.
void use(void* block, std::size_t size) {
    auto* bytes = static_cast<unsigned char*>(block);
    for (std::size_t i = 0; i<size; i += size> 1000000 ? size - 1 : 1) {
        bytes[i] = static_cast<unsigned char>(i);
    }
}

void each_power_of_two(const Task& /*task*/) {
    std::size_t refused = 0;
    for (std::size_t alignment = sizeof(void*); alignment <= gibibyte; alignment <<= 1) {
        for (const std::size_t size : {alignment, 1UL, 100UL, 5000UL, 200000UL, 3 * alignment}) {
            if (size > gibibyte) {
                continue;
            }
            void* blocks[3] = {};
            const int error = ::posix_memalign(&blocks[0], alignment, size);
            blocks[1] = ::memalign(alignment, size);
            blocks[2] = size % alignment == 0 ? std::aligned_alloc(alignment, size) : std::malloc(size);
            if (error != 0 || blocks[1] == nullptr || blocks[2] == nullptr) {
                const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
                FAULTLINE_EXPECT(alignment > page, "%zu bytes aligned to %zu are refused", size, alignment);
                refused = refused == 0 ? alignment : refused;
            }
            for (int i = 0; i < 3; ++i) {
                const bool plain = i == 2 && size % alignment != 0; // malloc: only to be in the way
                FAULTLINE_EXPECT(plain || blocks[i] == nullptr || is_aligned(blocks[i], alignment),
                                 "%s of %zu bytes to %zu gave %p, which is not aligned",
                                 i == 0   ? "posix_memalign"
                                 : i == 1 ? "memalign"
                                          : "aligned_alloc",
                                 size, alignment, blocks[i]);
                if (blocks[i] != nullptr) {
                    use(blocks[i], size);
                }
            }
            for (void* block : blocks) {
                std::free(block);
            }
        }
    }
    if (refused != 0) {
        note("alignments from %zu on are refused", refused);
    }
}

// Many small blocks at once: the second of a page is where a wrong size class shows.
void many_at_once(const Task& /*task*/) {
    constexpr unsigned count = 200;
    static void* blocks[count];
    for (std::size_t alignment = 16; alignment <= 8192; alignment <<= 1) {
        for (const std::size_t size : {alignment / 2, alignment, alignment + 8, 3 * alignment, 24UL}) {
            for (unsigned i = 0; i < count; ++i) {
                blocks[i] = nullptr;
                FAULTLINE_EXPECT(::posix_memalign(&blocks[i], alignment, size) == 0,
                                 "posix_memalign(%zu, %zu) failed", alignment, size);
                FAULTLINE_EXPECT(is_aligned(blocks[i], alignment),
                                 "posix_memalign of %zu bytes to %zu gave %p, which is not aligned", size,
                                 alignment, blocks[i]);
                write_pattern(blocks[i], size, i);
            }
            for (unsigned i = 0; i < count; ++i) {
                const std::size_t at = first_unlike(blocks[i], size, i);
                FAULTLINE_EXPECT(at == no_such_byte, "byte %zu of %zu aligned to %zu is not what was written",
                                 at, size, alignment);
                std::free(blocks[i]);
            }
        }
    }
}

// Above what random operations ask for: several at once, filled, and given back by way of realloc, which keeps the
// content and no alignment.
void large_at_once(const Task& /*task*/) {
    constexpr unsigned count = 8;
    constexpr std::size_t size = 3000;
    for (std::size_t alignment = 128UL << 10; alignment <= 4UL << 20; alignment <<= 1) {
        void* blocks[count] = {};
        for (unsigned i = 0; i < count; ++i) {
            if (::posix_memalign(&blocks[i], alignment, size + i) != 0) {
                note("an alignment of %zu is refused", alignment);
                blocks[i] = nullptr;
                continue;
            }
            FAULTLINE_EXPECT(is_aligned(blocks[i], alignment),
                             "posix_memalign of %zu bytes to %zu gave %p, which is not aligned", size + i,
                             alignment, blocks[i]);
            write_pattern(blocks[i], size + i, i);
        }
        for (unsigned i = 0; i < count; ++i) {
            if (blocks[i] == nullptr) {
                continue;
            }
            auto* moved = static_cast<unsigned char*>(std::realloc(blocks[i], 2 * size));
            FAULTLINE_EXPECT(moved != nullptr, "realloc of a block aligned to %zu was refused", alignment);
            const std::size_t at = first_unlike(moved, size + i, i);
            FAULTLINE_EXPECT(at == no_such_byte, "byte %zu of %zu aligned to %zu is not what was written", at,
                             size + i, alignment);
            std::free(moved);
        }
    }
}

void expect_own_and_aligned(std::span<void*> blocks, std::size_t alignment, const char* function) {
    std::sort(blocks.begin(), blocks.end(), std::less<>());
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        FAULTLINE_EXPECT(blocks[i] == nullptr || is_aligned(blocks[i], alignment),
                         "%s of 0 bytes aligned to %zu gave %p, which is not", function, alignment,
                         blocks[i]);
        FAULTLINE_EXPECT(i == 0 || blocks[i] == nullptr || blocks[i] != blocks[i - 1],
                         "%s of 0 bytes aligned to %zu gave %p twice", function, alignment, blocks[i]);
    }
}

// "As if the size were some nonzero value": what is not NULL is aligned, and nobody else's.
void zero_bytes(const Task& /*task*/) {
    constexpr unsigned count = 30;
    void* plain[count];
    void* cxx[count];
    for (std::size_t bytes = sizeof(void*); bytes <= 65536; bytes <<= 1) {
        const auto alignment = static_cast<std::align_val_t>(bytes);
        for (unsigned i = 0; i < count; ++i) {
            plain[i] = std::aligned_alloc(bytes, opaque<std::size_t>(0));
            cxx[i] = ::operator new(opaque<std::size_t>(0), alignment);
            FAULTLINE_EXPECT(cxx[i] != nullptr, "operator new of 0 bytes aligned to %zu gave NULL", bytes);
        }
        expect_own_and_aligned(plain, bytes, "aligned_alloc");
        expect_own_and_aligned(cxx, bytes, "operator new");
        for (unsigned i = 0; i < count; ++i) {
            std::free(plain[i]);
            ::operator delete(cxx[i], alignment);
        }
    }
}

void posix_memalign_errors(const Task& /*task*/) {
    for (const std::size_t alignment : {0UL, 1UL, 2UL, 4UL, 7UL, 24UL, 48UL, 1000UL}) {
        void* block = &block;
        const int error = ::posix_memalign(&block, opaque(alignment), 64);
        FAULTLINE_EXPECT(error == EINVAL, "posix_memalign with alignment %zu returned %d, not EINVAL",
                         alignment, error);
        FAULTLINE_EXPECT(block == &block || block == nullptr,
                         "posix_memalign failed and set the pointer to %p", block);
    }
    void* block = &block;
    FAULTLINE_EXPECT(::posix_memalign(&block, 64, opaque(SIZE_MAX)) == ENOMEM,
                     "posix_memalign of SIZE_MAX bytes did not return ENOMEM");
    FAULTLINE_EXPECT(block == &block || block == nullptr, "posix_memalign failed and set the pointer to %p",
                     block);
    if (block == nullptr) {
        note("posix_memalign sets the pointer to NULL when it fails");
    }
}

void posix_memalign_zero(const Task& /*task*/) {
    void* blocks[50];
    for (void*& block : blocks) {
        FAULTLINE_EXPECT(::posix_memalign(&block, 64, opaque<std::size_t>(0)) == 0,
                         "posix_memalign(64, 0) failed");
        for (void** other = blocks; other != &block; ++other) {
            FAULTLINE_EXPECT(block == nullptr || block != *other, "posix_memalign(64, 0) gave %p twice",
                             block);
        }
    }
    for (void* block : blocks) {
        std::free(block);
    }
}

void aligned_alloc_invalid(const Task& /*task*/) {
    for (const std::size_t alignment : {0UL, 24UL, 48UL, 1000UL}) {
        void* block = std::aligned_alloc(opaque(alignment), opaque<std::size_t>(4800));
        if (block != nullptr) {
            use(block, 4800);
            note("aligned_alloc takes an alignment that is no power of two, where C17 wants NULL");
            std::free(block);
            return;
        }
    }
}

void pages(const Task& /*task*/) {
    if (!answered_by_allocator("valloc")) {
        note("valloc is not offered: libc answers it, and its blocks cannot be given to free");
        return;
    }
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    for (const std::size_t size : {1UL, 10UL, page - 1, page, page + 1, 300000UL}) {
        void* block = ::valloc(size);
        FAULTLINE_EXPECT(block != nullptr && is_aligned(block, page), "valloc(%zu) gave %p, no page", size,
                         block);
        use(block, size);
        std::free(block);
    }
}

void whole_pages(const Task& /*task*/) {
    if (!answered_by_allocator("pvalloc")) {
        note("pvalloc is not offered: libc answers it, and its blocks cannot be given to free");
        return;
    }
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    for (const std::size_t size : {1UL, page - 1, page, page + 1, 10 * page + 1}) {
        void* block = ::pvalloc(size);
        FAULTLINE_EXPECT(block != nullptr && is_aligned(block, page), "pvalloc(%zu) gave %p, no page", size,
                         block);
        const std::size_t whole = (size + page - 1) / page * page;
        FAULTLINE_EXPECT(::malloc_usable_size(block) >= whole,
                         "pvalloc(%zu) gave %zu bytes, less than whole pages", size,
                         ::malloc_usable_size(block));
        use(block, whole);
        std::free(block);
    }
}

constexpr Check checks[] = {
    {"conformance.alignments",
     "a block is aligned as asked, for every power of two up to 1 GiB that is not refused",
     "C17 7.22.3.1, POSIX", each_power_of_two, 30},
    {"conformance.alignments-many", "many small blocks are each aligned as asked, and apart",
     "C17 7.22.3.1, POSIX", many_at_once},
    {"conformance.alignments-large",
     "blocks aligned to 128 KiB and more are aligned where they are not refused, apart, and kept by realloc",
     "C17 7.22.3.1, POSIX", large_at_once},
    {"conformance.aligned-zero-bytes",
     "0 bytes with an alignment give NULL or a block of its own, aligned; operator new never NULL",
     "C17 7.22.3, C++20 [basic.stc.dynamic.allocation]", zero_bytes},
    {"conformance.posix-memalign-errors",
     "posix_memalign returns EINVAL or ENOMEM, and leaves the pointer alone or sets it to NULL", "POSIX",
     posix_memalign_errors},
    {"conformance.posix-memalign-zero", "posix_memalign of 0 bytes gives NULL or a block of its own", "POSIX",
     posix_memalign_zero},
    {"conformance.aligned-alloc-invalid",
     "aligned_alloc with an invalid alignment gives NULL, or a block that is one", "C17 7.22.3.1",
     aligned_alloc_invalid},
    {"conformance.valloc", "valloc gives blocks that begin on a page, and free takes them", "glibc manual",
     pages},
    {"conformance.pvalloc", "pvalloc gives whole pages", "pvalloc(3)", whole_pages},
};

} // namespace

std::span<const Check> alignment_checks() {
    return checks;
}

} // namespace faultline::stress::conformance
