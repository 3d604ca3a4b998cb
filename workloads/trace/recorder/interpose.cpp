// What the recorded program calls instead of its allocator: each call goes on to the next library that
// defines it and is recorded. Releases are stamped before the call and allocations after it, so that in order
// of time no address is given out before it was released. C++ operators come through malloc and free.
#include "workloads/trace/recorder/recorder.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <dlfcn.h>
#include <unistd.h>

#define FAULTLINE_EXPORT extern "C" __attribute__((visibility("default")))

namespace faultline::trace::recorder {
namespace {

struct Real {
    void* (*malloc)(std::size_t);
    void (*free)(void*);
    void* (*calloc)(std::size_t, std::size_t);
    void* (*realloc)(void*, std::size_t);
    void* (*memalign)(std::size_t, std::size_t);
    void* (*aligned_alloc)(std::size_t, std::size_t);
    int (*posix_memalign)(void**, std::size_t, std::size_t);
};
Real real;
bool is_resolving = false; // before main: there is one thread

// dlsym may allocate: it gets these, which are never returned to anyone.
alignas(16) unsigned char bootstrap[16384];
std::size_t bootstrap_used = 0;

void* take_bootstrap(std::size_t size) {
    const std::size_t bytes = (size + 15) & ~std::size_t{15};
    if (bytes > sizeof bootstrap - bootstrap_used) {
        return nullptr;
    }
    void* block = bootstrap + bootstrap_used;
    bootstrap_used += bytes;
    return block;
}
bool is_bootstrap(const void* block) {
    return block >= bootstrap && block < bootstrap + sizeof bootstrap;
}

template <typename Function>
void find(Function& function, const char* name) {
    void* symbol = ::dlsym(RTLD_NEXT, name);
    std::memcpy(&function, &symbol, sizeof symbol);
}

// False when the call comes from within dlsym itself.
[[gnu::noinline]] bool resolve() {
    if (is_resolving) {
        return false;
    }
    is_resolving = true;
    Real found{};
    find(found.free, "free");
    find(found.calloc, "calloc");
    find(found.realloc, "realloc");
    find(found.memalign, "memalign");
    find(found.aligned_alloc, "aligned_alloc");
    find(found.posix_memalign, "posix_memalign");
    find(found.malloc, "malloc");
    real = found;
    is_resolving = false;
    return true;
}
inline bool ready() {
    return real.malloc != nullptr || resolve();
}

void* record_realloc(void* before, std::size_t size) {
    append(Op::realloc_from, now(), before, 0, 0);
    void* block = real.realloc(before, size);
    append(Op::realloc_to, now(), block, size, 0);
    return block;
}

void* record_memalign(std::size_t alignment, std::size_t size) {
    void* block = real.memalign(alignment, size);
    append(Op::memalign, now(), block, size, alignment);
    return block;
}

} // namespace
} // namespace faultline::trace::recorder

using namespace faultline::trace::recorder;
using faultline::trace::Op;

FAULTLINE_EXPORT void* malloc(std::size_t size) {
    if (!ready()) [[unlikely]] {
        return take_bootstrap(size);
    }
    void* block = real.malloc(size);
    append(Op::malloc, now(), block, size, 0);
    return block;
}

FAULTLINE_EXPORT void free(void* block) {
    if (is_bootstrap(block) || !ready()) [[unlikely]] {
        return;
    }
    append(Op::free, now(), block, 0, 0);
    real.free(block);
}

FAULTLINE_EXPORT void* calloc(std::size_t count, std::size_t size) {
    if (!ready()) [[unlikely]] {
        return take_bootstrap(count * size); // static memory: zero
    }
    void* block = real.calloc(count, size);
    append(Op::calloc, now(), block, size, count);
    return block;
}

FAULTLINE_EXPORT void* realloc(void* before, std::size_t size) {
    if (!ready()) [[unlikely]] {
        return before == nullptr ? take_bootstrap(size) : nullptr;
    }
    if (is_bootstrap(before)) [[unlikely]] {
        void* block = malloc(size);
        const auto left =
            static_cast<std::size_t>(bootstrap + sizeof bootstrap - static_cast<unsigned char*>(before));
        return block != nullptr ? std::memcpy(block, before, size < left ? size : left) : nullptr;
    }
    return record_realloc(before, size);
}

FAULTLINE_EXPORT void* reallocarray(void* before, std::size_t count, std::size_t size) {
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return nullptr;
    }
    return realloc(before, bytes);
}

FAULTLINE_EXPORT void* memalign(std::size_t alignment, std::size_t size) {
    return ready() ? record_memalign(alignment, size) : nullptr;
}

FAULTLINE_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t size) {
    if (!ready()) [[unlikely]] {
        return nullptr;
    }
    void* block = real.aligned_alloc(alignment, size);
    append(Op::aligned_alloc, now(), block, size, alignment);
    return block;
}

FAULTLINE_EXPORT int posix_memalign(void** block, std::size_t alignment, std::size_t size) {
    if (!ready()) [[unlikely]] {
        return ENOMEM;
    }
    const int status = real.posix_memalign(block, alignment, size);
    append(Op::posix_memalign, now(), status == 0 ? *block : nullptr, size, alignment);
    return status;
}

FAULTLINE_EXPORT void* valloc(std::size_t size) {
    return memalign(static_cast<std::size_t>(::getpagesize()), size);
}

FAULTLINE_EXPORT void* pvalloc(std::size_t size) {
    const auto page = static_cast<std::size_t>(::getpagesize());
    return memalign(page, (size + page - 1) / page * page);
}
