// Sizes that no block can have: NULL, and errno to say why.
#include "workloads/stress/blocks.hpp"
#include "workloads/stress/conformance/tables.hpp"
#include "workloads/stress/voice.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <malloc.h>

namespace faultline::stress::conformance {
namespace {

void calloc_overflow(const Task& /*task*/) {
    const std::size_t pairs[][2] = {{SIZE_MAX / 2, 3},    {3, SIZE_MAX / 2},
                                    {SIZE_MAX, SIZE_MAX}, {1UL << 32, 1UL << 32},
                                    {SIZE_MAX, 2},        {(1UL << 32) + 1, (1UL << 32) - 1}};
    for (const auto& [count, size] : pairs) {
        void* block = std::calloc(opaque(count), opaque(size));
        FAULTLINE_EXPECT(block == nullptr, "calloc(%zu, %zu) gave %p", count, size, block);
    }
}

// No object is larger than PTRDIFF_MAX, since pointers into it could not be subtracted.
constexpr std::size_t impossible[] = {
    SIZE_MAX,      SIZE_MAX - 1,    SIZE_MAX - 15,          SIZE_MAX - 31,
    SIZE_MAX - 63, SIZE_MAX - 4095, SIZE_MAX - (1UL << 21), SIZE_MAX / 2 + 1};

void above_ptrdiff_max(const Task& /*task*/) {
    for (const std::size_t size : impossible) {
        void* block = std::malloc(opaque(size));
        FAULTLINE_EXPECT(block == nullptr, "malloc(%zu) gave %p", size, block);
        block = std::calloc(opaque<std::size_t>(1), opaque(size));
        FAULTLINE_EXPECT(block == nullptr, "calloc(1, %zu) gave %p", size, block);
        block = std::realloc(nullptr, opaque(size));
        FAULTLINE_EXPECT(block == nullptr, "realloc(NULL, %zu) gave %p", size, block);
    }
    void* block = std::malloc(100); // and it still works
    FAULTLINE_EXPECT(block != nullptr, "malloc(100) returned NULL after sizes that are too large");
    std::free(block);
}

void aligned_above_ptrdiff_max(const Task& /*task*/) {
    for (const std::size_t size : impossible) {
        for (const std::size_t alignment : {16UL, 64UL, 4096UL, 1UL << 21}) {
            void* block = ::memalign(opaque(alignment), opaque(size));
            FAULTLINE_EXPECT(block == nullptr, "memalign(%zu, %zu) gave %p", alignment, size, block);
            void* untouched = &untouched;
            const int error = ::posix_memalign(&untouched, opaque(alignment), opaque(size));
            FAULTLINE_EXPECT(error == ENOMEM, "posix_memalign(%zu, %zu) returned %d, not ENOMEM", alignment,
                             size, error);
        }
    }
}

// A call that cannot succeed.
struct Call {
    const char* name;
    bool posix; // POSIX says that it sets errno; for the others only manuals do
    void* (*make)(void* block);
};
constexpr Call calls[] = {
    {"malloc", true, [](void*) { return std::malloc(opaque(SIZE_MAX - 4095)); }},
    {"calloc", true, [](void*) { return std::calloc(1, opaque(SIZE_MAX - 4095)); }},
    {"calloc that overflows", true, [](void*) { return std::calloc(opaque(SIZE_MAX / 2), 3); }},
    {"realloc", true, [](void* block) { return std::realloc(block, opaque(SIZE_MAX - 4095)); }},
    {"reallocarray", true, [](void* block) { return ::reallocarray(block, opaque(SIZE_MAX / 2), 3); }},
    {"aligned_alloc", false, [](void*) { return std::aligned_alloc(64, opaque(SIZE_MAX - 4095)); }},
    {"memalign", false, [](void*) { return ::memalign(64, opaque(SIZE_MAX - 4095)); }},
};

void append(char (&list)[256], const char* name) {
    const std::size_t used = std::strlen(list);
    std::snprintf(list + used, sizeof list - used, "%s%s", used == 0 ? "" : ", ", name);
}

void failure_sets_errno(const Task& /*task*/) {
    char broken[256] = "";
    char others[256] = "";
    for (const Call& call : calls) {
        void* block = std::malloc(100);
        errno = 0;
        void* made = call.make(opaque(block));
        const int error = errno;
        if (made == nullptr && error != ENOMEM) { // that it fails is for other checks to say
            append(call.posix ? broken : others, call.name);
        }
        std::free(made == nullptr ? block : made);
    }
    if (*others != '\0') {
        note("errno is not ENOMEM when these fail: %s", others);
    }
    FAULTLINE_EXPECT(*broken == '\0', "errno is not ENOMEM when these fail: %s", broken);
}

constexpr Check checks[] = {
    {"conformance.calloc-overflow", "calloc fails where count times size overflows", "C23 7.24.3.2",
     calloc_overflow},
    {"conformance.above-ptrdiff-max", "malloc, calloc and realloc of more than PTRDIFF_MAX bytes fail",
     "malloc(3)", above_ptrdiff_max},
    {"conformance.aligned-above-ptrdiff-max",
     "memalign and posix_memalign of more than PTRDIFF_MAX bytes fail", "posix_memalign(3)",
     aligned_above_ptrdiff_max},
    {"conformance.failure-sets-errno",
     "malloc, calloc, realloc and reallocarray set errno to ENOMEM when they fail", "POSIX",
     failure_sets_errno},
};

} // namespace

std::span<const Check> too_large_checks() {
    return checks;
}

} // namespace faultline::stress::conformance
