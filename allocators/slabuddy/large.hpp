// Large blocks, above what slabs serve: up to 4 MiB as whole pages from the buddy, with the tail given back;
// above it, or when the zone is exhausted, as areas of their own (area.hpp). Of the smallest, each thread keeps
// the one it freed last of each size, without a lock.
#pragma once

#include "allocators/slabuddy/sheaf.hpp"
#include "allocators/slabuddy/zone.hpp"

#include <cstddef>
#include <cstdint>

namespace sb {

// A block of the calling thread's own for `size` bytes, aligned to a page and dirty, or NULL.
[[gnu::always_inline]] inline void* large_pop(size_t size) {
    const size_t pages = (size + page_bytes - 1) >> page_shift;
    if (pages > large_kept_pages) {
        return nullptr;
    }
    ThreadCache& cache = *thread_cache;
    const PageIndex page = cache.large[pages];
    if (page == no_page) {
        return nullptr;
    }
    cache.large[pages] = no_page;
    cache.large_pages -= static_cast<uint32_t>(pages);
    zone.mem_map[page].state.store(PageState::large, std::memory_order_relaxed);
    return reinterpret_cast<void*>(page_address(page));
}

// Keeps a large block for the calling thread; false when it is none or the thread has its share.
[[gnu::always_inline]] inline bool large_push(void* block) {
    const auto address = reinterpret_cast<uintptr_t>(block);
    const uintptr_t page = zone_page_of(address);
    if (page >= zone.pages.load(std::memory_order_acquire) || address % page_bytes != 0) {
        return false;
    }
    Page& head = zone.mem_map[page];
    const uint32_t pages = head.count.load(std::memory_order_relaxed);
    ThreadCache& cache = *thread_cache;
    if (pages > large_kept_pages || cache.large_pages + pages > large_kept_pages ||
        cache.large[pages] != no_page) {
        return false;
    }
    // Of two threads that free the same block one is refused here.
    PageState expected = PageState::large;
    if (!head.state.compare_exchange_strong(expected, PageState::per_cpu, std::memory_order_acq_rel)) {
        return false;
    }
    cache.large[pages] = static_cast<PageIndex>(page);
    cache.large_pages += pages;
    return true;
}

// Aligned to `alignment` (a power of two) and at least to a system page. `zeroed` asks for zeros. NULL when
// there is none.
void* large_allocate(size_t size, size_t alignment, bool zeroed);

// `pages` whole pages, from the buddy alone, the first `zeroed_bytes` of them zero; aligned to page_bytes << align_order.
// NULL when there are none.
void* large_allocate_pages(uint32_t pages, unsigned align_order, size_t zeroed_bytes);

// Bytes of the large block that begins at `block`, or 0 when none does.
size_t large_usable_size(const void* block);

// Frees the large block that begins at `block`; false when none does.
bool large_free(void* block);

// The block, resized in place or moved by the kernel, or NULL: then it is as before and the caller copies.
// Precondition: `block` is a large block; size is above what slabs serve.
void* large_resize(void* block, size_t size);

} // namespace sb
