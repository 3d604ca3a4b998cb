#include "allocators/slabuddy/large.hpp"

#include "allocators/slabuddy/area.hpp"
#include "allocators/slabuddy/buddy.hpp"
#include "allocators/slabuddy/purge.hpp"
#include "allocators/slabuddy/zone.hpp"

#include <bit>
#include <cstring>

namespace sb {
namespace {

uint32_t pages_for(size_t size) {
    return static_cast<uint32_t>((size + page_bytes - 1) >> page_shift);
}

// The head page of the large block that begins at exactly this address, or no_page.
PageIndex head_of(const void* block) {
    const auto address = reinterpret_cast<uintptr_t>(block);
    const uintptr_t page = zone_page_of(address);
    if (page >= zone.pages.load(std::memory_order_acquire) || address % page_bytes != 0 ||
        zone.mem_map[page].state.load(std::memory_order_relaxed) != PageState::large) {
        return no_page;
    }
    return static_cast<PageIndex>(page);
}

uint32_t pages_of(PageIndex head) {
    return zone.mem_map[head].count.load(std::memory_order_relaxed);
}

void zero_dirty_pages(PageIndex first, size_t bytes) {
    for (size_t offset = 0; offset < bytes; offset += page_bytes) {
        if (zone.dirty[first + (offset >> page_shift)]) {
            memset(reinterpret_cast<void*>(page_address(first) + offset), 0,
                   bytes - offset < page_bytes ? bytes - offset : page_bytes);
        }
    }
}

} // namespace

void* large_allocate_pages(uint32_t pages, unsigned align_order, size_t zeroed_bytes) {
    const PageIndex page = buddy_allocate(pages, align_order, Mobility::large, PageState::large);
    if (page == no_page) {
        return nullptr;
    }
    zero_dirty_pages(page, zeroed_bytes);
    purge_on_growth();
    return reinterpret_cast<void*>(page_address(page));
}

void* large_allocate(size_t size, size_t alignment, bool zeroed) {
    if (size <= most_buddy_bytes && alignment <= page_bytes << max_order) {
        const uint32_t pages = size == 0 ? 1 : pages_for(size);
        const unsigned align_order =
            alignment <= page_bytes ? 0 : static_cast<unsigned>(std::countr_zero(alignment)) - page_shift;
        if (void* block = large_allocate_pages(pages, align_order, zeroed ? size : 0)) {
            return block;
        }
    }
    return area_allocate(size, alignment, zeroed);
}

size_t large_usable_size(const void* block) {
    const PageIndex page = head_of(block);
    return page == no_page ? area_size(block) : pages_of(page) * page_bytes;
}

bool large_free(void* block) {
    const PageIndex page = head_of(block);
    if (page == no_page) {
        const bool freed = area_free(block);
        purge_poll();
        return freed;
    }
    const uint32_t pages = pages_of(page);
    // Of two threads that free the same block one is refused here.
    PageState expected = PageState::large;
    if (!zone.mem_map[page].state.compare_exchange_strong(expected, PageState::held,
                                                          std::memory_order_acq_rel)) {
        return false;
    }
    buddy_free(page, pages, true);
    purge_poll();
    return true;
}

void* large_resize(void* block, size_t size) {
    const PageIndex page = head_of(block);
    if (page == no_page) {
        return size > most_buddy_bytes ? area_resize(block, size) : nullptr;
    }
    if (size > most_buddy_bytes) {
        return nullptr;
    }
    const uint32_t pages = pages_of(page);
    const uint32_t wanted = pages_for(size);
    if (wanted < pages) {
        buddy_shrink(page, pages, wanted);
    } else if (wanted > pages && !buddy_absorb(page, pages, wanted)) {
        return nullptr;
    }
    return block;
}

} // namespace sb
