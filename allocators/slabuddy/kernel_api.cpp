// The calls of slabuddy.h that mirror the kernel's: arguments are judged here, and the layers do the work.
#include "allocators/slabuddy/slabuddy.h"

#include "allocators/slabuddy/area.hpp"
#include "allocators/slabuddy/cache.hpp"
#include "allocators/slabuddy/debug.hpp"
#include "allocators/slabuddy/gfp.hpp"
#include "allocators/slabuddy/heap.hpp"
#include "allocators/slabuddy/large.hpp"
#include "allocators/slabuddy/os.hpp"
#include "allocators/slabuddy/report.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>

// The header promises these to C programs.
static_assert(SB_PAGE_SHIFT == sb::page_shift && SB_MAX_ORDER == sb::max_order);
static_assert(SB_CACHE_MAX_BYTES == sb::most_cache_object_bytes);

#define SB_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

constexpr bool is_hopeless(size_t bytes) {
    return bytes > static_cast<size_t>(PTRDIFF_MAX);
}

bool is_nothing(const void* block) {
    return reinterpret_cast<uintptr_t>(block) <= reinterpret_cast<uintptr_t>(SB_ZERO_SIZE_PTR);
}

void* kmalloc(const char* call, size_t size, sb_gfp_t gfp) {
    if (size == 0) {
        return SB_ZERO_SIZE_PTR;
    }
    return sb::gfp_allocate(gfp, call, size, is_hopeless(size), [=] {
        return (gfp & SB_GFP_ZERO) ? sb::allocate_zeroed(size) : sb::allocate(size);
    });
}

// Blocks of whole pages are large blocks, so that free() takes them too; the count says what was allocated.
void* pages(const char* call, size_t bytes, unsigned order, sb_gfp_t gfp) {
    return sb::gfp_allocate(gfp, call, bytes, bytes > sb::page_bytes << sb::max_order, [=] {
        const auto count = static_cast<uint32_t>((bytes + sb::page_bytes - 1) >> sb::page_shift);
        return sb::large_allocate_pages(count, order, (gfp & SB_GFP_ZERO) ? count * sb::page_bytes : 0);
    });
}

void release_pages(const char* call, void* address, size_t bytes) {
    if (!address) {
        return;
    }
    const size_t whole = (bytes + sb::page_bytes - 1) & ~(sb::page_bytes - 1);
    const size_t had = sb::large_usable_size(address);
    if (had != 0 && had != whole) {
        sb::Text detail;
        detail.add(": ").add_number(whole >> sb::page_shift).add(" instead of ");
        detail.add_number(had >> sb::page_shift);
        sb::report_misuse(sb::Misuse::wrong_order, call, address, nullptr, detail);
    }
    sb::release_other(address);
}

void* vmalloc(const char* call, size_t size, bool zeroed, sb_gfp_t gfp) {
    if (size == 0) {
        return nullptr;
    }
    return sb::gfp_allocate(gfp, call, size, is_hopeless(size), [=] {
        return sb::debug_mode() ? sb::debug_allocate_alone(size, 16, zeroed)
                                : sb::area_allocate(size, sb::os_page_bytes(), zeroed);
    });
}

bool is_name(const char* name) {
    if (!name || !*name) {
        return false;
    }
    for (; *name; ++name) {
        if (*name <= ' ' || *name == 0x7f) {
            return false;
        }
    }
    return true;
}

sb::Cache* inner(sb_kmem_cache* cache) {
    return reinterpret_cast<sb::Cache*>(cache);
}

} // namespace

// --- pages

SB_EXPORT void* sb_alloc_pages(sb_gfp_t gfp, unsigned order) {
    return pages("sb_alloc_pages", order <= sb::max_order ? sb::page_bytes << order : SIZE_MAX, order, gfp);
}

SB_EXPORT void* sb_get_free_pages(sb_gfp_t gfp, unsigned order) {
    return pages("sb_get_free_pages", order <= sb::max_order ? sb::page_bytes << order : SIZE_MAX, order,
                 gfp);
}

SB_EXPORT void* sb_get_zeroed_page(sb_gfp_t gfp) {
    return pages("sb_get_zeroed_page", sb::page_bytes, 0, gfp | SB_GFP_ZERO);
}

SB_EXPORT void sb_free_pages(void* address, unsigned order) {
    release_pages("sb_free_pages", address, order <= sb::max_order ? sb::page_bytes << order : 0);
}

SB_EXPORT void* sb_alloc_pages_exact(size_t bytes, sb_gfp_t gfp) {
    return pages("sb_alloc_pages_exact", bytes ? bytes : 1, 0, gfp);
}

SB_EXPORT void sb_free_pages_exact(void* address, size_t bytes) {
    release_pages("sb_free_pages_exact", address, bytes ? bytes : 1);
}

// --- named caches

SB_EXPORT sb_kmem_cache* sb_kmem_cache_create(const char* name, size_t size, size_t align, unsigned flags,
                                              void (*constructor)(void*)) {
    constexpr size_t cache_line = 64;
    if (!is_name(name) || size == 0 || size > sb::most_cache_object_bytes || (align & (align - 1)) != 0 ||
        align > sb::page_bytes || (flags & ~SB_SLAB_HWCACHE_ALIGN) != 0) {
        errno = EINVAL;
        return nullptr;
    }
    // A small object shares its cache line with others that fit, as the kernel has it.
    if (flags & SB_SLAB_HWCACHE_ALIGN) {
        size_t line = cache_line;
        while (line > 16 && size <= line / 2) {
            line /= 2;
        }
        align = align < line ? line : align;
    }
    auto* cache = sb::cache_create(name, size, align < 16 ? 16 : align, constructor);
    if (!cache) {
        errno = ENOMEM;
    }
    return reinterpret_cast<sb_kmem_cache*>(cache);
}

SB_EXPORT void* sb_kmem_cache_alloc(sb_kmem_cache* cache, sb_gfp_t gfp) {
    const size_t bytes = inner(cache)->bytes;
    void* object = sb::gfp_allocate(gfp, "sb_kmem_cache_alloc", bytes, false,
                                    [=] { return sb::cache_allocate(inner(cache), bytes); });
    if (object && (gfp & SB_GFP_ZERO) && !inner(cache)->construct) {
        memset(object, 0, bytes);
    }
    return object;
}

SB_EXPORT void* sb_kmem_cache_zalloc(sb_kmem_cache* cache, sb_gfp_t gfp) {
    return sb_kmem_cache_alloc(cache, gfp | SB_GFP_ZERO);
}

SB_EXPORT void sb_kmem_cache_free(sb_kmem_cache* cache, void* object) {
    if (object) {
        sb::cache_free(inner(cache), object, "sb_kmem_cache_free");
    }
}

SB_EXPORT size_t sb_kmem_cache_size(const sb_kmem_cache* cache) {
    return reinterpret_cast<const sb::Cache*>(cache)->bytes;
}

SB_EXPORT size_t sb_kmem_cache_shrink(sb_kmem_cache* cache) {
    return size_t{sb::cache_shrink(inner(cache))} << sb::page_shift;
}

SB_EXPORT int sb_kmem_cache_destroy(sb_kmem_cache* cache) {
    if (cache && !sb::cache_destroy(inner(cache))) {
        errno = EBUSY;
        return -1;
    }
    return 0;
}

// --- kmalloc

SB_EXPORT void* sb_kmalloc(size_t size, sb_gfp_t gfp) {
    return kmalloc("sb_kmalloc", size, gfp);
}

SB_EXPORT void* sb_kzalloc(size_t size, sb_gfp_t gfp) {
    return kmalloc("sb_kzalloc", size, gfp | SB_GFP_ZERO);
}

SB_EXPORT void* sb_kmalloc_array(size_t count, size_t size, sb_gfp_t gfp) {
    size_t bytes = 0;
    return kmalloc("sb_kmalloc_array", __builtin_mul_overflow(count, size, &bytes) ? SIZE_MAX : bytes, gfp);
}

SB_EXPORT void* sb_kcalloc(size_t count, size_t size, sb_gfp_t gfp) {
    size_t bytes = 0;
    return kmalloc("sb_kcalloc", __builtin_mul_overflow(count, size, &bytes) ? SIZE_MAX : bytes,
                   gfp | SB_GFP_ZERO);
}

SB_EXPORT size_t sb_ksize(const void* block) {
    if (is_nothing(block)) {
        return 0;
    }
    sb::Cache* cache = sb::cache_of(block);
    return cache ? sb::cache_usable_size(cache, block, "sb_ksize") : sb::usable_size(block);
}

SB_EXPORT void sb_kfree(const void* block) {
    if (is_nothing(block)) {
        return;
    }
    void* given = const_cast<void*>(block);
    if (sb::Cache* cache = sb::cache_of(given)) {
        return sb::cache_free(cache, given, "sb_kfree");
    }
    sb::release(given);
}

SB_EXPORT void* sb_krealloc(const void* block, size_t size, sb_gfp_t gfp) {
    if (size == 0) {
        sb_kfree(block);
        return SB_ZERO_SIZE_PTR;
    }
    const size_t had = sb_ksize(block);
    void* old = const_cast<void*>(block);
    // No smaller block is looked for: who may not wait must get an answer, and realloc() is there for the others.
    if (had >= size && !sb::zone.debug) {
        return old;
    }
    void* moved = kmalloc("sb_krealloc", size, gfp);
    if (moved && had > 0) {
        memcpy(moved, block, had < size ? had : size);
        sb_kfree(block);
    }
    return moved;
}

// --- vmalloc

SB_EXPORT void* sb_vmalloc(size_t size) {
    return vmalloc("sb_vmalloc", size, false, SB_GFP_KERNEL);
}

SB_EXPORT void* sb_vzalloc(size_t size) {
    return vmalloc("sb_vzalloc", size, true, SB_GFP_KERNEL);
}

SB_EXPORT void sb_vfree(const void* address) {
    if (!address) {
        return;
    }
    void* given = const_cast<void*>(address);
    if (sb::area_size(given) == 0 && !sb::area_was_freed(given)) {
        sb::Text detail;
        detail.add(" by sb_vmalloc");
        sb::report_misuse(sb::Misuse::foreign, "sb_vfree", given, nullptr, detail);
    }
    sb::release_other(given);
}

SB_EXPORT void* sb_kvmalloc(size_t size, sb_gfp_t gfp) {
    if (size == 0) {
        return SB_ZERO_SIZE_PTR;
    }
    // The first attempt is cheap and silent, for there is a second.
    void* block = is_hopeless(size)
                      ? nullptr
                      : kmalloc("sb_kvmalloc", size, (gfp | SB_GFP_NORETRY | SB_GFP_NOWARN) & ~SB_GFP_NOFAIL);
    return block ? block : vmalloc("sb_kvmalloc", size, (gfp & SB_GFP_ZERO) != 0, gfp);
}

SB_EXPORT void* sb_kvzalloc(size_t size, sb_gfp_t gfp) {
    return sb_kvmalloc(size, gfp | SB_GFP_ZERO);
}

SB_EXPORT void sb_kvfree(const void* block) {
    sb_kfree(block);
}
