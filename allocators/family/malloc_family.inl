// Every symbol of the malloc family, defined on what one allocator gives. Included by exactly one file of a
// preload library, after these are declared in namespace `backend` (all thread-safe; "NULL" means NULL with
// errno ENOMEM):
//
//   void* allocate(size_t size)                    16-aligned, size 0 gives a unique pointer; else NULL
//   void* allocate_zeroed(size_t size)             the same, all bytes zero
//   void* allocate_aligned(size_t align, size_t s) align is a power of two; else NULL
//   void* reallocate(void* old, size_t size)       old may be NULL; size is not 0 unless old is NULL; NULL
//   keeps old void release(void* p)                          p may be NULL; keeps errno void
//   release_sized(void* p, size_t size)       p may be NULL; size is what was asked for size_t
//   usable_size(void* p)                    0 for NULL size_t page_size()                             what
//   valloc aligns to struct mallinfo2 info()                        figures as mallinfo2(3) int
//   write_info(FILE*)                          XML as malloc_info(3), 0 or -1 void write_stats() text to
//   stderr bool trim(size_t pad)                          true when memory was given back bool set_option(int
//   parameter, int value)      mallopt(3): true when understood
//
// C++'s operator new answers failure as the standard asks, by the new-handler and std::bad_alloc, both
// reached through weak symbols, so the library needs no C++ runtime and a C program never sees one.
#pragma once

#include "allocators/family/call_handler.hpp"

#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <malloc.h>
#include <new>
#include <unistd.h>

#define FAMILY_EXPORT extern "C" __attribute__((visibility("default")))
#define FAMILY_CPP __attribute__((visibility("default")))
#define FAMILY_ALIAS(target) __attribute__((visibility("default"), alias(#target)))

// libstdc++ and libc++ name the same function differently; either may be present, or neither.
extern "C" {
__attribute__((weak)) void _ZSt17__throw_bad_allocv();           // libstdc++
__attribute__((weak)) void _ZNSt3__117__throw_bad_allocEv();     // libc++
__attribute__((weak)) std::new_handler _ZSt15get_new_handlerv(); // both
}

namespace family {

inline bool is_power_of_two(size_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

// Retries through the new-handler, then throws or, without a C++ runtime, ends the process with one line.
[[gnu::noinline, gnu::cold]] inline void* new_failed(size_t alignment, size_t size, bool may_throw) {
    for (;;) {
        std::new_handler handler = _ZSt15get_new_handlerv ? _ZSt15get_new_handlerv() : nullptr;
        if (!handler) {
            break;
        }
        // What a handler throws goes to the caller of a new that may throw; from the others it must not escape.
        if (may_throw) {
            handler();
        } else if (!call_handler_quietly(handler)) {
            return nullptr;
        }
        void* block = alignment <= 16 ? backend::allocate(size) : backend::allocate_aligned(alignment, size);
        if (block) {
            return block;
        }
    }
    if (!may_throw) {
        return nullptr;
    }
    if (_ZSt17__throw_bad_allocv) {
        _ZSt17__throw_bad_allocv();
    }
    if (_ZNSt3__117__throw_bad_allocEv) {
        _ZNSt3__117__throw_bad_allocEv();
    }
    static const char message[] = "operator new: out of memory, and no C++ runtime to throw bad_alloc\n";
    [[maybe_unused]] ssize_t written = write(2, message, sizeof message - 1);
    abort();
}

[[gnu::always_inline]] inline void* operator_new(size_t size, bool may_throw) {
    void* block = backend::allocate(size);
    return __builtin_expect(block != nullptr, 1) ? block : new_failed(16, size, may_throw);
}

inline void* operator_new_aligned(size_t size, std::align_val_t alignment, bool may_throw) {
    const auto bytes = static_cast<size_t>(alignment);
    void* block = is_power_of_two(bytes) ? backend::allocate_aligned(bytes, size) : nullptr;
    return __builtin_expect(block != nullptr, 1) ? block : new_failed(bytes, size, may_throw);
}

inline void* no_memory() {
    errno = ENOMEM;
    return nullptr;
}

} // namespace family

// --- C
// ----------------------------------------------------------------------------------------------------------

FAMILY_EXPORT void* malloc(size_t size) {
    return backend::allocate(size);
}

FAMILY_EXPORT void free(void* block) {
    backend::release(block);
}

FAMILY_EXPORT void* calloc(size_t count, size_t size) {
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return family::no_memory();
    }
    return backend::allocate_zeroed(bytes);
}

// As glibc: realloc(p, 0) of a block frees it and returns NULL.
FAMILY_EXPORT void* realloc(void* block, size_t size) {
    if (size == 0 && block) {
        backend::release(block);
        return nullptr;
    }
    return backend::reallocate(block, size);
}

FAMILY_EXPORT void* reallocarray(void* block, size_t count, size_t size) {
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return family::no_memory();
    }
    return realloc(block, bytes);
}

// As glibc: an alignment that is not a power of two is rounded up to one.
FAMILY_EXPORT void* memalign(size_t alignment, size_t size) {
    if (alignment > static_cast<size_t>(PTRDIFF_MAX) / 2 + 1) {
        errno = EINVAL;
        return nullptr;
    }
    size_t rounded = 16;
    while (rounded < alignment) {
        rounded <<= 1;
    }
    return backend::allocate_aligned(rounded, size);
}

FAMILY_EXPORT void* aligned_alloc(size_t alignment, size_t size) {
    if (!family::is_power_of_two(alignment)) {
        errno = EINVAL;
        return nullptr;
    }
    return backend::allocate_aligned(alignment, size);
}

// Answers by value and leaves errno and *result alone on failure.
FAMILY_EXPORT int posix_memalign(void** result, size_t alignment, size_t size) {
    if (!family::is_power_of_two(alignment) || alignment % sizeof(void*) != 0) {
        return EINVAL;
    }
    const int saved = errno;
    void* block = backend::allocate_aligned(alignment, size);
    errno = saved;
    if (!block) {
        return ENOMEM;
    }
    *result = block;
    return 0;
}

FAMILY_EXPORT void* valloc(size_t size) {
    return backend::allocate_aligned(backend::page_size(), size);
}

FAMILY_EXPORT void* pvalloc(size_t size) {
    const size_t page = backend::page_size();
    size_t bytes = 0;
    if (__builtin_add_overflow(size, page - 1, &bytes)) {
        return family::no_memory();
    }
    bytes &= ~(page - 1);
    return backend::allocate_aligned(page, bytes ? bytes : page);
}

FAMILY_EXPORT size_t malloc_usable_size(void* block) {
    return backend::usable_size(block);
}

FAMILY_EXPORT void free_sized(void* block, size_t size) {
    backend::release_sized(block, size);
}

FAMILY_EXPORT void free_aligned_sized(void* block, size_t /*alignment*/, size_t size) {
    backend::release_sized(block, size);
}

FAMILY_EXPORT int malloc_trim(size_t pad) {
    return backend::trim(pad) ? 1 : 0;
}

FAMILY_EXPORT void malloc_stats() {
    backend::write_stats();
}

FAMILY_EXPORT int malloc_info(int options, FILE* stream) {
    if (options != 0) {
        errno = EINVAL;
        return -1;
    }
    return backend::write_info(stream);
}

FAMILY_EXPORT struct mallinfo2 mallinfo2() {
    return backend::info();
}

// The fields of the old call are int: clamped, where glibc wraps.
FAMILY_EXPORT struct mallinfo mallinfo() {
    const struct mallinfo2 wide = backend::info();
    auto clamp = [](size_t value) { return value > INT_MAX ? INT_MAX : static_cast<int>(value); };
    struct mallinfo narrow = {};
    narrow.arena = clamp(wide.arena);
    narrow.ordblks = clamp(wide.ordblks);
    narrow.smblks = clamp(wide.smblks);
    narrow.hblks = clamp(wide.hblks);
    narrow.hblkhd = clamp(wide.hblkhd);
    narrow.usmblks = clamp(wide.usmblks);
    narrow.fsmblks = clamp(wide.fsmblks);
    narrow.uordblks = clamp(wide.uordblks);
    narrow.fordblks = clamp(wide.fordblks);
    narrow.keepcost = clamp(wide.keepcost);
    return narrow;
}

FAMILY_EXPORT int mallopt(int parameter, int value) {
    return backend::set_option(parameter, value) ? 1 : 0;
}

// gcc would have an alias repeat each attribute of libc's declaration; they serve callers, and nobody calls
// these by type.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-attributes"
#endif
extern "C" {
FAMILY_ALIAS(malloc) void* __libc_malloc(size_t);
FAMILY_ALIAS(free) void __libc_free(void*);
FAMILY_ALIAS(free) void __libc_cfree(void*);
FAMILY_ALIAS(free) void cfree(void*);
FAMILY_ALIAS(calloc) void* __libc_calloc(size_t, size_t);
FAMILY_ALIAS(realloc) void* __libc_realloc(void*, size_t);
FAMILY_ALIAS(reallocarray) void* __libc_reallocarray(void*, size_t, size_t);
FAMILY_ALIAS(memalign) void* __libc_memalign(size_t, size_t);
FAMILY_ALIAS(valloc) void* __libc_valloc(size_t);
FAMILY_ALIAS(pvalloc) void* __libc_pvalloc(size_t);
FAMILY_ALIAS(posix_memalign) int __posix_memalign(void**, size_t, size_t);
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

// --- C++
// --------------------------------------------------------------------------------------------------------

FAMILY_CPP void* operator new(size_t size) {
    return family::operator_new(size, true);
}
FAMILY_CPP void* operator new[](size_t size) {
    return family::operator_new(size, true);
}
FAMILY_CPP void* operator new(size_t size, const std::nothrow_t&) noexcept {
    return family::operator_new(size, false);
}
FAMILY_CPP void* operator new[](size_t size, const std::nothrow_t&) noexcept {
    return family::operator_new(size, false);
}
FAMILY_CPP void* operator new(size_t size, std::align_val_t alignment) {
    return family::operator_new_aligned(size, alignment, true);
}
FAMILY_CPP void* operator new[](size_t size, std::align_val_t alignment) {
    return family::operator_new_aligned(size, alignment, true);
}
FAMILY_CPP void* operator new(size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return family::operator_new_aligned(size, alignment, false);
}
FAMILY_CPP void* operator new[](size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return family::operator_new_aligned(size, alignment, false);
}

FAMILY_CPP void operator delete(void* block) noexcept {
    backend::release(block);
}
FAMILY_CPP void operator delete[](void* block) noexcept {
    backend::release(block);
}
FAMILY_CPP void operator delete(void* block, const std::nothrow_t&) noexcept {
    backend::release(block);
}
FAMILY_CPP void operator delete[](void* block, const std::nothrow_t&) noexcept {
    backend::release(block);
}
FAMILY_CPP void operator delete(void* block, size_t size) noexcept {
    backend::release_sized(block, size);
}
FAMILY_CPP void operator delete[](void* block, size_t size) noexcept {
    backend::release_sized(block, size);
}
FAMILY_CPP void operator delete(void* block, std::align_val_t /*alignment*/) noexcept {
    backend::release(block);
}
FAMILY_CPP void operator delete[](void* block, std::align_val_t /*alignment*/) noexcept {
    backend::release(block);
}
FAMILY_CPP void operator delete(void* block, std::align_val_t /*alignment*/, const std::nothrow_t&) noexcept {
    backend::release(block);
}
FAMILY_CPP void operator delete[](void* block, std::align_val_t /*alignment*/,
                                  const std::nothrow_t&) noexcept {
    backend::release(block);
}
FAMILY_CPP void operator delete(void* block, size_t size, std::align_val_t /*alignment*/) noexcept {
    backend::release_sized(block, size);
}
FAMILY_CPP void operator delete[](void* block, size_t size, std::align_val_t /*alignment*/) noexcept {
    backend::release_sized(block, size);
}
