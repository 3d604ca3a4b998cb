#include "workloads/stress/random/calls.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <dlfcn.h>
#include <malloc.h>
#include <new>

namespace faultline::stress {
namespace {

using trace::Op;

constexpr std::size_t page_bytes = 4096;

// Not in every library. What the allocator under test leaves to libc is not called: libc's block in its free would be
// no fault of these calls (conformance tells of it).
struct Optional {
    void* (*valloc)(std::size_t) = nullptr;
    void* (*pvalloc)(std::size_t) = nullptr;
    void* (*reallocarray)(void*, std::size_t, std::size_t) = nullptr;
    void (*free_sized)(void*, std::size_t) = nullptr;
    void (*free_aligned_sized)(void*, std::size_t, std::size_t) = nullptr;
    std::size_t (*usable_size)(void*) = nullptr;
    int (*trim)(std::size_t) = nullptr;
};
Optional optional;

enum Nature : std::uint64_t { array = 1, nothrow = 2, sized = 4, other_name = 8 };

// A block of no bytes is always given back without its size: sized delete of one is a corner that a table of promises
// should name, and allocators that trip over it would never get past it here.
std::uint64_t nature_of(const Step& maker) {
    const std::uint64_t nature = stress::nature_of(maker.block);
    return maker.size == 0 ? nature & ~std::uint64_t{sized} : nature;
}

bool has(std::uint64_t nature, Nature what) {
    return (nature & what) != 0;
}

void* cxx_new(std::size_t size, std::uint64_t nature) {
    if (has(nature, nothrow)) {
        return has(nature, array) ? ::operator new[](size, std::nothrow) : ::operator new(size, std::nothrow);
    }
    return has(nature, array) ? ::operator new[](size) : ::operator new(size);
}

void* cxx_new_aligned(std::size_t size, std::align_val_t alignment, std::uint64_t nature) {
    if (has(nature, nothrow)) {
        return has(nature, array) ? ::operator new[](size, alignment, std::nothrow)
                                  : ::operator new(size, alignment, std::nothrow);
    }
    return has(nature, array) ? ::operator new[](size, alignment) : ::operator new(size, alignment);
}

void* aligned(const Step& step, std::uint64_t nature) {
    const std::size_t alignment = step.extra;
    if (step.op == Op::memalign && alignment == page_bytes && has(nature, other_name)) {
        if (auto* const call = has(nature, array) ? optional.pvalloc : optional.valloc) {
            return call(step.size);
        }
    }
    if (step.op == Op::aligned_alloc && step.size % alignment == 0) {
        return std::aligned_alloc(alignment, step.size);
    }
    if (step.op == Op::posix_memalign) {
        void* block = nullptr;
        const int error = ::posix_memalign(&block, std::max(alignment, sizeof(void*)), step.size);
        if (error != 0) {
            errno = error;
            return nullptr;
        }
        return block;
    }
    return ::memalign(alignment, step.size);
}

void* allocate(const Step& step) {
    const std::uint64_t nature = nature_of(step);
    try {
        switch (step.op) {
        case Op::calloc:
            return std::calloc(step.extra, step.extra == 0 ? 0 : step.size / step.extra);
        case Op::memalign:
        case Op::aligned_alloc:
        case Op::posix_memalign:
            return aligned(step, nature);
        case Op::op_new:
            return cxx_new(step.size, nature);
        case Op::op_new_aligned:
            return cxx_new_aligned(step.size, static_cast<std::align_val_t>(step.extra), nature);
        default:
            return std::malloc(step.size);
        }
    } catch (const std::bad_alloc&) {
        errno = ENOMEM; // the operators promise nothing of errno
        return nullptr;
    }
}

void* reallocate(void* old, const Step& step) {
    if (optional.reallocarray != nullptr && has(nature_of(step), other_name)) {
        const std::size_t count = step.size % 3 == 0 ? 3 : 1;
        return optional.reallocarray(old, count, step.size / count);
    }
    return std::realloc(old, step.size);
}

void cxx_delete(void* block, const Step& maker, std::uint64_t nature) {
    if (has(nature, array)) {
        has(nature, sized) ? ::operator delete[](block, maker.size) : ::operator delete[](block);
    } else {
        has(nature, sized) ? ::operator delete(block, maker.size) : ::operator delete(block);
    }
}

void cxx_delete_aligned(void* block, const Step& maker, std::uint64_t nature) {
    const auto alignment = static_cast<std::align_val_t>(maker.extra);
    if (has(nature, array)) {
        has(nature, sized) ? ::operator delete[](block, maker.size, alignment)
                           : ::operator delete[](block, alignment);
    } else {
        has(nature, sized) ? ::operator delete(block, maker.size, alignment)
                           : ::operator delete(block, alignment);
    }
}

void trim() {
    if (optional.trim != nullptr) {
        optional.trim(0);
    }
}

void release(void* block, const Step& maker) {
    const std::uint64_t nature = nature_of(maker);
    if (maker.op == Op::op_new) {
        cxx_delete(block, maker, nature);
    } else if (maker.op == Op::op_new_aligned) {
        cxx_delete_aligned(block, maker, nature);
    } else if (optional.free_sized != nullptr && has(nature, sized) && !trace::has_alignment(maker.op)) {
        optional.free_sized(block, maker.size);
    } else if (optional.free_aligned_sized != nullptr && has(nature, sized) &&
               maker.op == Op::aligned_alloc) {
        optional.free_aligned_sized(block, maker.extra, maker.size);
    } else {
        std::free(block);
    }
    if (nature % 8192 == 0) {
        const int saved = errno;
        trim();
        errno = saved;
    }
}

std::size_t usable_size(void* block) {
    return optional.usable_size != nullptr ? optional.usable_size(block) : 0;
}

// The file that defines what `address` points to.
const char* file_of(void* address) {
    Dl_info info{};
    return address != nullptr && ::dladdr(address, &info) != 0 ? info.dli_fname : nullptr;
}

template <typename Function>
void look_up(Function& function, const char* name) {
    void* address = ::dlsym(RTLD_DEFAULT, name);
    if (file_of(address) != nullptr && file_of(address) == file_of(::dlsym(RTLD_DEFAULT, "malloc"))) {
        function = reinterpret_cast<Function>(address);
    }
}

} // namespace

Calls process_calls() {
    look_up(optional.valloc, "valloc");
    look_up(optional.pvalloc, "pvalloc");
    look_up(optional.reallocarray, "reallocarray");
    look_up(optional.free_sized, "free_sized");
    look_up(optional.free_aligned_sized, "free_aligned_sized");
    look_up(optional.usable_size, "malloc_usable_size");
    look_up(optional.trim, "malloc_trim");
    return {allocate, reallocate, release, usable_size, trim};
}

std::size_t alignment_of(const Step& step) {
    if (trace::has_alignment(step.op)) {
        return std::max<std::size_t>(step.extra, 1);
    }
    return std::min<std::size_t>(16, std::bit_floor(std::max<std::size_t>(step.size, 1)));
}

} // namespace faultline::stress
