// The rest of the family: who answers it, what it says of blocks and of the heap, and that errno is left alone.
#include "workloads/stress/blocks.hpp"
#include "workloads/stress/conformance/tables.hpp"
#include "workloads/stress/symbols.hpp"
#include "workloads/stress/voice.hpp"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <unistd.h>

namespace faultline::stress::conformance {
namespace {

// glibc manual, "Replacing malloc": without these, blocks of two heaps get mixed up.
constexpr const char* needed[] = {"malloc",        "free",           "calloc",   "realloc",
                                  "aligned_alloc", "posix_memalign", "memalign", "malloc_usable_size"};
constexpr const char* obsolete[] = {"valloc", "pvalloc"};

// libstdc++'s operators call malloc and free, so an allocator need not answer them; but a new that it answers must not
// meet a delete that it does not.
constexpr const char* cxx_new[] = {"_Znwm",
                                   "_Znam",
                                   "_ZnwmRKSt9nothrow_t",
                                   "_ZnamRKSt9nothrow_t",
                                   "_ZnwmSt11align_val_t",
                                   "_ZnamSt11align_val_t",
                                   "_ZnwmSt11align_val_tRKSt9nothrow_t",
                                   "_ZnamSt11align_val_tRKSt9nothrow_t"};
constexpr const char* cxx_delete[] = {"_ZdlPv",
                                      "_ZdaPv",
                                      "_ZdlPvm",
                                      "_ZdaPvm",
                                      "_ZdlPvRKSt9nothrow_t",
                                      "_ZdaPvRKSt9nothrow_t",
                                      "_ZdlPvSt11align_val_t",
                                      "_ZdaPvSt11align_val_t",
                                      "_ZdlPvmSt11align_val_t",
                                      "_ZdaPvmSt11align_val_t",
                                      "_ZdlPvSt11align_val_tRKSt9nothrow_t",
                                      "_ZdaPvSt11align_val_tRKSt9nothrow_t"};

void symbols_overridden(const Task& /*task*/) {
    for (const char* symbol : needed) {
        FAULTLINE_EXPECT(answered_by_allocator(symbol), "%s is answered by %s, malloc by %s", symbol,
                         answered_by(symbol).c_str(), answered_by("malloc").c_str());
    }
    for (const char* symbol : obsolete) {
        if (!answered_by_allocator(symbol)) {
            note("%s is not offered: libc answers it", symbol);
        }
    }
    for (const auto& list :
         {std::span<const char* const>(cxx_new), std::span<const char* const>(cxx_delete)}) {
        for (const char* symbol : list) {
            const std::string by = answered_by(symbol);
            FAULTLINE_EXPECT(answered_by_allocator(symbol) || by.find("libstdc++") != std::string::npos ||
                                 by.find("libc++") != std::string::npos,
                             "%s is answered by %s", symbol, by.c_str());
        }
    }
}

void usable_size(const Task& /*task*/) {
    constexpr unsigned count = 400;
    static void* blocks[count];
    std::size_t size = 1;
    for (unsigned i = 0; i < count; ++i) {
        size += 1 + size / 31;
        blocks[i] = i % 3 == 0   ? std::calloc(1, size)
                    : i % 3 == 1 ? std::malloc(size)
                                 : std::aligned_alloc(64, (size + 63) / 64 * 64);
        FAULTLINE_EXPECT(blocks[i] != nullptr, "%zu bytes were refused", size);
        const std::size_t usable = ::malloc_usable_size(blocks[i]);
        FAULTLINE_EXPECT(usable >= size, "malloc_usable_size of a block of %zu bytes is %zu", size, usable);
        write_pattern(blocks[i], usable, i); // all of it is ours
    }
    for (unsigned i = 0; i < count; ++i) {
        const std::size_t usable = ::malloc_usable_size(blocks[i]);
        const std::size_t at = first_unlike(blocks[i], usable, i);
        FAULTLINE_EXPECT(at == no_such_byte, "byte %zu of %zu usable ones was overwritten by another block",
                         at, usable);
    }
    for (void* block : blocks) {
        std::free(block);
    }
}

void usable_size_of_null(const Task& /*task*/) {
    const std::size_t usable = ::malloc_usable_size(opaque<void*>(nullptr));
    FAULTLINE_EXPECT(usable == 0, "malloc_usable_size(NULL) is %zu", usable);
}

// An extension that an allocator need not have. Where libc answers it, it speaks of libc's own heap, which is unused.
bool offered(const char* symbol) {
    if (answered_by_allocator(symbol)) {
        return true;
    }
    note("%s is not offered: libc answers it, for a heap that is not used", symbol);
    return false;
}

class Heap {
  public:
    Heap() {
        for (unsigned i = 0; i < count; ++i) {
            blocks_[i] = std::malloc(size(i));
            write_pattern(blocks_[i], size(i), i);
            std::free(std::malloc(size(i) * 3));
        }
    }
    ~Heap() {
        for (void* block : blocks_) {
            std::free(block);
        }
    }
    Heap(const Heap&) = delete;
    Heap& operator=(const Heap&) = delete;

    void expect_intact(const char* after) const {
        for (unsigned i = 0; i < count; ++i) {
            const std::size_t at = first_unlike(blocks_[i], size(i), i);
            FAULTLINE_EXPECT(at == no_such_byte, "byte %zu of a block of %zu changed in %s", at, size(i),
                             after);
        }
    }

  private:
    static constexpr unsigned count = 500;
    static std::size_t size(unsigned i) { return 1 + i * 61; }
    void* blocks_[count];
};

void trim(const Task& /*task*/) {
    offered("malloc_trim");
    const Heap heap;
    for (const std::size_t pad : {0UL, 1UL << 20, 0UL}) {
        const int result = ::malloc_trim(pad);
        FAULTLINE_EXPECT(result == 0 || result == 1, "malloc_trim returned %d", result);
        heap.expect_intact("malloc_trim");
    }
}

void info(const Task& /*task*/) {
    const bool own = offered("mallinfo2");
    const Heap heap;
    const struct mallinfo2 before = ::mallinfo2();
    void* block = std::malloc(5000000);
    FAULTLINE_EXPECT(block != nullptr, "malloc(5000000) returned NULL");
    std::memset(block, 1, 5000000);
    const struct mallinfo2 after = ::mallinfo2();
    if (own && after.uordblks + after.hblkhd < before.uordblks + before.hblkhd + 5000000) {
        note("mallinfo2 does not count a block of 5000000 bytes");
    }
    std::free(block);
    heap.expect_intact("mallinfo2");
}

void info_text(const Task& /*task*/) {
    offered("malloc_info");
    const Heap heap;
    char* text = nullptr;
    std::size_t bytes = 0;
    FILE* stream = ::open_memstream(&text, &bytes);
    const int result = ::malloc_info(0, stream);
    std::fclose(stream);
    FAULTLINE_EXPECT(result == 0 || result == -1, "malloc_info returned %d", result);
    FAULTLINE_EXPECT(result != 0 || (bytes > 0 && std::strstr(text, "<") != nullptr),
                     "malloc_info wrote no XML");
    std::free(text);
    heap.expect_intact("malloc_info");
}

// To standard error, in a form that no one describes; the older mallinfo counts in int, so its figures say little.
void statistics(const Task& /*task*/) {
    offered("malloc_stats");
    const Heap heap;
    ::malloc_stats();
    heap.expect_intact("malloc_stats");
    if (auto* old_info = optional_function<struct mallinfo()>("mallinfo")) {
        [[maybe_unused]] const struct mallinfo told = old_info();
        heap.expect_intact("mallinfo");
    }
}

void options(const Task& /*task*/) {
    offered("mallopt");
    const Heap heap;
    for (const int parameter : {M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_ARENA_MAX, M_TOP_PAD}) {
        const int result = ::mallopt(parameter, 128 * 1024);
        FAULTLINE_EXPECT(result == 0 || result == 1, "mallopt(%d) returned %d", parameter, result);
    }
    heap.expect_intact("mallopt");
}

void keeps_errno(const Task& /*task*/) {
    for (const std::size_t size : {1UL, 100UL, 5000UL, 100000UL, 1000000UL, 40000000UL, 200000000UL}) {
        for (int round = 0; round < 8; ++round) {
            void* block = std::malloc(size);
            FAULTLINE_EXPECT(block != nullptr, "malloc(%zu) returned NULL", size);
            static_cast<unsigned char*>(block)[size - 1] = 1;
            errno = 1234;
            std::free(opaque(block));
            FAULTLINE_EXPECT(errno == 1234, "free of a block of %zu bytes set errno to %d", size, errno);
        }
    }
}

void sized_free(const Task& /*task*/) {
    auto* free_sized = optional_function<void(void*, std::size_t)>("free_sized");
    auto* free_aligned_sized = optional_function<void(void*, std::size_t, std::size_t)>("free_aligned_sized");
    if (free_sized == nullptr || free_aligned_sized == nullptr || !answered_by_allocator("free_sized")) {
        skip("free_sized of C23 is not offered");
    }
    free_sized(nullptr, 0);
    free_aligned_sized(nullptr, 64, 0);
    for (int round = 0; round < 100; ++round) {
        for (const std::size_t size : {1UL, 100UL, 5000UL, 100000UL, 40000000UL}) {
            void* block = std::malloc(size);
            write_pattern(block, size < 10000 ? size : 1, size);
            free_sized(block, size);
            block = std::aligned_alloc(64, (size + 63) / 64 * 64);
            FAULTLINE_EXPECT(is_aligned(block, 64), "aligned_alloc(64) gave %p", block);
            free_aligned_sized(block, 64, (size + 63) / 64 * 64);
        }
    }
}

// What libc allocates for the caller comes from the same malloc that the caller's free belongs to.
void blocks_of_libc(const Task& /*task*/) {
    char* copy = ::strdup("a line of some length, to be copied");
    FAULTLINE_EXPECT(std::strlen(copy) == 35, "strdup gave another string");
    std::free(copy);
    char* printed = nullptr;
    FAULTLINE_EXPECT(::asprintf(&printed, "%d %s", 42, "printed") == 10, "asprintf printed something else");
    printed = static_cast<char*>(std::realloc(printed, 1000));
    FAULTLINE_EXPECT(std::strcmp(printed, "42 printed") == 0, "realloc of what asprintf gave lost it");
    std::free(printed);
    char* where = ::getcwd(nullptr, 0);
    FAULTLINE_EXPECT(where != nullptr, "getcwd failed");
    std::free(where);
    char* real = ::realpath("/", nullptr);
    FAULTLINE_EXPECT(real != nullptr && std::strcmp(real, "/") == 0, "realpath failed");
    std::free(real);
    char* line = static_cast<char*>(std::malloc(1)); // getline grows a block of ours
    std::size_t room = 1;
    FILE* stream = std::fopen("/proc/self/maps", "r");
    FAULTLINE_EXPECT(stream != nullptr, "cannot open /proc/self/maps");
    while (::getline(&line, &room, stream) > 0) {
    }
    std::fclose(stream);
    std::free(line);
}

constexpr Check checks[] = {
    {"conformance.symbols-overridden",
     "every function that takes or gives a block is answered by one allocator",
     "glibc manual, Replacing malloc", symbols_overridden},
    {"conformance.usable-size",
     "malloc_usable_size is at least what was asked for, and all of it can be written",
     "malloc_usable_size(3)", usable_size},
    {"conformance.usable-size-null", "malloc_usable_size(NULL) is 0", "malloc_usable_size(3)",
     usable_size_of_null},
    {"conformance.malloc-trim", "malloc_trim returns 0 or 1 and changes no block", "malloc_trim(3)", trim},
    {"conformance.mallinfo2", "mallinfo2 answers and changes no block", "mallinfo(3)", info},
    {"conformance.malloc-info", "malloc_info writes XML or returns -1, and changes no block",
     "malloc_info(3)", info_text},
    {"conformance.malloc-stats", "malloc_stats and mallinfo answer and change no block", "malloc_stats(3)",
     statistics},
    {"conformance.mallopt", "mallopt returns 0 or 1 and changes no block", "mallopt(3)", options},
    {"conformance.free-keeps-errno", "free leaves errno alone", "POSIX.1-2024, glibc manual", keeps_errno},
    {"conformance.free-sized", "free_sized and free_aligned_sized free a block of that size", "C23 7.24.3",
     sized_free},
    {"conformance.libc-blocks",
     "what strdup, asprintf, getline and others give can be given to realloc and free", "POSIX",
     blocks_of_libc},
};

} // namespace

std::span<const Check> family_checks() {
    return checks;
}

} // namespace faultline::stress::conformance
