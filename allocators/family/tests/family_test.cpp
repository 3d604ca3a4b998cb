// Run with a malloc preloaded: every call of the family answers as its manual page says, for ordinary and for
// odd arguments. FAMILY_LIBRARY names the library that must be the one that answers, so the test cannot pass
// on libc.
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <new>
#include <set>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

// Wrong arguments are what is tested; clang has no such warnings.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Walloc-size-larger-than="
#pragma GCC diagnostic ignored "-Wuse-after-free"
#endif

namespace {

// Reached through volatile pointers, so that the compiler can neither fold nor warn.
template <typename T>
T opaque(T value) {
    volatile T copy = value;
    return copy;
}

bool aligned_to(const void* block, size_t alignment) {
    return reinterpret_cast<uintptr_t>(block) % alignment == 0;
}

bool all_bytes_are(const void* block, size_t bytes, unsigned char value) {
    const auto* at = static_cast<const unsigned char*>(block);
    for (size_t i = 0; i < bytes; ++i) {
        if (at[i] != value) {
            return false;
        }
    }
    return true;
}

TEST(MallocFamily, IsTheLibraryThatWasPreloaded) {
    const char* expected = getenv("FAMILY_LIBRARY");
    ASSERT_NE(expected, nullptr) << "set FAMILY_LIBRARY to the preloaded file";
    char resolved[PATH_MAX];
    ASSERT_NE(realpath(expected, resolved), nullptr);
    for (const char* symbol :
         {"malloc", "free", "calloc", "realloc", "memalign", "aligned_alloc", "posix_memalign", "_Znwm",
          "_ZdlPv", "_ZdlPvm", "malloc_usable_size", "mallinfo2"}) {
        Dl_info where = {};
        void* address = dlsym(RTLD_DEFAULT, symbol);
        ASSERT_NE(address, nullptr) << symbol;
        ASSERT_NE(dladdr(address, &where), 0) << symbol;
        char found[PATH_MAX];
        ASSERT_NE(realpath(where.dli_fname, found), nullptr);
        EXPECT_STREQ(found, resolved) << symbol;
    }
}

TEST(MallocFamily, EverySizeIsAlignedWritableAndAsLargeAsAsked) {
    for (size_t size = 0; size < 70000; size += size < 2100 ? 1 : 997) {
        auto* block = static_cast<unsigned char*>(malloc(size));
        ASSERT_NE(block, nullptr);
        ASSERT_TRUE(aligned_to(block, 16)) << size;
        ASSERT_GE(malloc_usable_size(block), size);
        memset(block, 0xa5, malloc_usable_size(block));
        free(block);
    }
}

TEST(MallocFamily, LiveBlocksDoNotOverlap) {
    std::vector<std::pair<unsigned char*, size_t>> live;
    for (unsigned i = 0; i < 4000; ++i) {
        const size_t size = (i * 2654435761U) % 3000;
        auto* block = static_cast<unsigned char*>(malloc(size));
        ASSERT_NE(block, nullptr);
        memset(block, static_cast<int>(i & 0xff), size);
        live.emplace_back(block, size);
    }
    for (unsigned i = 0; i < live.size(); ++i) {
        ASSERT_TRUE(all_bytes_are(live[i].first, live[i].second, static_cast<unsigned char>(i & 0xff)));
        free(live[i].first);
    }
}

TEST(MallocFamily, ZeroBytesGiveDistinctPointers) {
    std::set<void*> seen;
    for (int i = 0; i < 100; ++i) {
        void* block = malloc(opaque(0));
        ASSERT_NE(block, nullptr);
        ASSERT_TRUE(seen.insert(block).second);
    }
    for (void* block : seen) {
        free(block);
    }
    void* zeroed = calloc(0, 8);
    EXPECT_NE(zeroed, nullptr);
    free(zeroed);
}

TEST(MallocFamily, SizesAboveTheMostFailWithEnomem) {
    for (size_t size : {static_cast<size_t>(PTRDIFF_MAX) + 1, SIZE_MAX, SIZE_MAX - 15, SIZE_MAX - 4095,
                        static_cast<size_t>(PTRDIFF_MAX) - 10}) {
        errno = 0;
        EXPECT_EQ(malloc(opaque(size)), nullptr) << size;
        EXPECT_EQ(errno, ENOMEM);
        errno = 0;
        EXPECT_EQ(calloc(opaque(size), 1), nullptr);
        EXPECT_EQ(errno, ENOMEM);
        void* block = malloc(16);
        errno = 0;
        EXPECT_EQ(realloc(block, opaque(size)), nullptr);
        EXPECT_EQ(errno, ENOMEM);
        free(block);
        errno = 0;
        EXPECT_EQ(aligned_alloc(64, opaque(size)), nullptr);
        EXPECT_EQ(errno, ENOMEM);
        EXPECT_EQ(pvalloc(opaque(size)), nullptr);
        EXPECT_EQ(memalign(4096, opaque(size)), nullptr);
        EXPECT_EQ(operator new(opaque(size), std::nothrow), nullptr);
        EXPECT_THROW(operator delete(operator new(opaque(size))), std::bad_alloc);
    }
}

TEST(MallocFamily, ProductsThatOverflowFail) {
    errno = 0;
    EXPECT_EQ(calloc(opaque(SIZE_MAX / 2), 3), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    void* block = malloc(16);
    errno = 0;
    EXPECT_EQ(reallocarray(block, opaque(SIZE_MAX / 2), 3), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    free(block);
}

TEST(MallocFamily, CallocIsZeroEvenInReusedMemory) {
    for (size_t size : {1, 16, 100, 1000, 5000, 70000, 300000, 3000000, 40000000}) {
        for (int round = 0; round < 4; ++round) {
            auto* block = static_cast<unsigned char*>(calloc(1, size));
            ASSERT_NE(block, nullptr);
            ASSERT_TRUE(all_bytes_are(block, size, 0)) << size;
            memset(block, 0xff, size);
            free(block);
        }
    }
}

TEST(MallocFamily, ReallocKeepsWhatFits) {
    for (size_t from : {0, 1, 24, 500, 5000, 100000, 2000000, 30000000}) {
        for (size_t to : {1, 17, 300, 6000, 90000, 1000000, 20000000, 50000000}) {
            auto* block = static_cast<unsigned char*>(malloc(from));
            ASSERT_NE(block, nullptr);
            memset(block, 0x3c, from);
            auto* moved = static_cast<unsigned char*>(realloc(block, to));
            ASSERT_NE(moved, nullptr);
            ASSERT_GE(malloc_usable_size(moved), to);
            ASSERT_TRUE(all_bytes_are(moved, std::min(from, to), 0x3c)) << from << " -> " << to;
            memset(moved, 0x11, to);
            free(moved);
        }
    }
}

TEST(MallocFamily, ReallocOfNullAllocatesAndToZeroFrees) {
    void* block = realloc(nullptr, 40);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(realloc(block, opaque(0)), nullptr);
    void* empty = realloc(nullptr, opaque(0));
    EXPECT_NE(empty, nullptr);
    free(empty);
}

TEST(MallocFamily, EveryAlignmentIsKept) {
    for (size_t alignment = 1; alignment <= (size_t{64} << 20); alignment <<= 1) {
        for (size_t size : {size_t{0}, size_t{1}, size_t{100}, size_t{5000}, size_t{200000}}) {
            void* block = aligned_alloc(alignment, size);
            ASSERT_NE(block, nullptr) << alignment;
            ASSERT_TRUE(aligned_to(block, alignment)) << alignment << " " << size;
            ASSERT_GE(malloc_usable_size(block), size);
            memset(block, 1, size);
            free(block);
            block = memalign(alignment, size);
            ASSERT_TRUE(block && aligned_to(block, alignment));
            void* grown = realloc(block, size + 1000);
            ASSERT_NE(grown, nullptr);
            free(grown);
            if (alignment >= sizeof(void*)) {
                ASSERT_EQ(posix_memalign(&block, alignment, size), 0);
                ASSERT_TRUE(aligned_to(block, alignment));
                free(block);
            }
        }
    }
}

TEST(MallocFamily, BadAlignmentsAreRefused) {
    void* untouched = &untouched;
    errno = 77;
    EXPECT_EQ(posix_memalign(&untouched, 24, 8), EINVAL);
    EXPECT_EQ(posix_memalign(&untouched, 0, 8), EINVAL);
    EXPECT_EQ(posix_memalign(&untouched, 4, 8), EINVAL);
    EXPECT_EQ(posix_memalign(&untouched, 64, opaque(SIZE_MAX)), ENOMEM);
    EXPECT_EQ(untouched, &untouched);
    EXPECT_EQ(errno, 77);
    EXPECT_EQ(aligned_alloc(opaque(size_t{48}), 8), nullptr);
    EXPECT_EQ(errno, EINVAL);
    void* rounded = memalign(opaque(size_t{48}), 8);
    EXPECT_TRUE(rounded && aligned_to(rounded, 64));
    free(rounded);
}

TEST(MallocFamily, VallocAndPvallocArePages) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    void* block = valloc(10);
    EXPECT_TRUE(block && aligned_to(block, page));
    free(block);
    block = pvalloc(page + 1);
    EXPECT_TRUE(block && aligned_to(block, page));
    EXPECT_GE(malloc_usable_size(block), 2 * page);
    free(block);
}

TEST(MallocFamily, FreeKeepsErrnoAndTakesNull) {
    void* small = malloc(10);
    void* large = malloc(1 << 20);
    void* huge = malloc(size_t{64} << 20);
    errno = 1234;
    free(nullptr);
    free(small);
    free(large);
    free(huge);
    EXPECT_EQ(errno, 1234);
    EXPECT_EQ(malloc_usable_size(nullptr), 0U);
}

TEST(MallocFamily, EveryFormOfNewHasItsDelete) {
    const std::align_val_t line{64};
    operator delete(operator new(10));
    operator delete[](operator new[](10));
    operator delete (operator new(10), size_t{10});
    operator delete[](operator new[](10), size_t{10});
    operator delete(operator new(10, std::nothrow), std::nothrow);
    operator delete[](operator new[](10, std::nothrow), std::nothrow);
    void* aligned = operator new(10, line);
    EXPECT_TRUE(aligned_to(aligned, 64));
    operator delete(aligned, line);
    operator delete[](operator new[](10, line), line);
    operator delete (operator new(10, line), size_t{10}, line);
    operator delete[](operator new[](10, line), size_t{10}, line);
    operator delete(operator new(10, line, std::nothrow), line, std::nothrow);
    operator delete[](operator new[](10, line, std::nothrow), line, std::nothrow);
}

int handler_calls = 0;

TEST(MallocFamily, NewAsksTheHandlerBeforeItThrows) {
    handler_calls = 0;
    std::set_new_handler([] {
        if (++handler_calls == 3) {
            std::set_new_handler(nullptr);
        }
    });
    EXPECT_THROW(operator delete(operator new(opaque(SIZE_MAX))), std::bad_alloc);
    EXPECT_EQ(handler_calls, 3);
}

TEST(MallocFamily, NothrowNewLetsNoExceptionOfTheHandlerEscape) {
    handler_calls = 0;
    std::set_new_handler([] {
        ++handler_calls;
        throw std::bad_alloc();
    });
    EXPECT_EQ(operator new(opaque(SIZE_MAX), std::nothrow), nullptr);
    EXPECT_EQ(operator new(opaque(SIZE_MAX), std::align_val_t(64), std::nothrow), nullptr);
    EXPECT_EQ(handler_calls, 2);
    EXPECT_THROW(operator delete(operator new(opaque(SIZE_MAX))), std::bad_alloc);
    std::set_new_handler(nullptr);
}

TEST(MallocFamily, FiguresAreSane) {
    void* block = malloc(100000);
    EXPECT_GE(mallinfo2().uordblks + mallinfo2().hblkhd, 100000U);
    char* text = nullptr;
    size_t bytes = 0;
    FILE* stream = open_memstream(&text, &bytes);
    EXPECT_EQ(malloc_info(0, stream), 0);
    fclose(stream);
    EXPECT_EQ(std::string(text).substr(0, 7), "<malloc");
    free(text);
    errno = 0;
    EXPECT_EQ(malloc_info(1, stdout), -1);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_GE(malloc_trim(0), 0);
    free(block);
}

TEST(MallocFamily, ThreadsFreeWhatOthersAllocated) {
    constexpr int threads = 4;
    constexpr size_t blocks = 3000;
    std::vector<std::vector<unsigned char*>> made(threads);
    for (int round = 0; round < 3; ++round) {
        std::vector<std::thread> running;
        running.reserve(threads);
        for (int id = 0; id < threads; ++id) {
            running.emplace_back([&, id] {
                for (size_t i = 0; i < blocks; ++i) {
                    const size_t size = 1 + (i * 37 + static_cast<size_t>(id)) % 900;
                    auto* block = static_cast<unsigned char*>(malloc(size));
                    memset(block, id, size);
                    made[static_cast<size_t>(id)].push_back(block);
                }
            });
        }
        for (auto& thread : running) {
            thread.join();
        }
        running.clear();
        for (int id = 0; id < threads; ++id) {
            running.emplace_back([&, id] {
                const int other = (id + 1) % threads;
                for (unsigned char* block : made[static_cast<size_t>(other)]) {
                    if (*block != other) {
                        abort();
                    }
                    free(block);
                }
            });
        }
        for (auto& thread : running) {
            thread.join();
        }
        for (auto& list : made) {
            list.clear();
        }
    }
}

} // namespace
