#include "allocators/slabuddy/buddy_lists.hpp"

namespace sb {

bool buddy_page_is_free(PageIndex page) {
    Guard guard(zone.lock);
    // The head is the nearest head below: a page between it and `page` would be a head itself.
    PageIndex head = page;
    while (head > 0 && zone.mem_map[head].state.load(std::memory_order_relaxed) == PageState::inside) {
        --head;
    }
    const PageState state = zone.mem_map[head].state.load(std::memory_order_relaxed);
    return state == PageState::free || state == PageState::per_cpu;
}

BuddyFigures buddy_figures() {
    BuddyFigures figures = {};
    Guard guard(zone.lock);
    figures.committed_pages = zone.pages.load(std::memory_order_relaxed);
    figures.free_pages = free_blocks.pages.load(std::memory_order_relaxed);
    figures.dirty_pages = free_blocks.dirty.load(std::memory_order_relaxed);
    for (unsigned mobility = 0; mobility < mobility_count; ++mobility) {
        for (unsigned order = 0; order < order_count; ++order) {
            const PageList& list = free_blocks.lists[mobility][order];
            figures.free_blocks[mobility][order] = list.size;
        }
    }
    for (PageIndex page = 0; page < figures.committed_pages;) {
        const Page& head = zone.mem_map[page];
        const PageState state = head.state.load(std::memory_order_relaxed);
        const bool is_free = state == PageState::free;
        const uint32_t pages = is_free ? pages_of(head.order.load(std::memory_order_relaxed))
                                       : head.count.load(std::memory_order_relaxed);
        figures.large_pages += state == PageState::large ? pages : 0;
        figures.slab_pages += state == PageState::slab ? pages : 0;
        page += pages;
    }
    return figures;
}

const char* buddy_check() {
    Guard guard(zone.lock);
    const uint32_t committed = zone.pages.load(std::memory_order_relaxed);
    uint32_t counted_free = 0;
    uint32_t counted_dirty = 0;
    uint32_t counted_blocks[mobility_count][order_count] = {};
    for (PageIndex page = 0; page < committed;) {
        const Page& head = zone.mem_map[page];
        const PageState state = head.state.load(std::memory_order_relaxed);
        const unsigned order = head.order.load(std::memory_order_relaxed);
        if (state == PageState::inside) {
            return "buddy: a page belongs to no block";
        }
        if (order > max_order) {
            return "buddy: an order above the largest";
        }
        if (state != PageState::free) {
            page += head.count.load(std::memory_order_relaxed);
            continue;
        }
        if (page % pages_of(order) != 0) {
            return "buddy: a free block is not aligned to its size";
        }
        const PageIndex buddy = page ^ pages_of(order);
        if (order < max_order && buddy + pages_of(order) <= committed && is_free_block(buddy, order)) {
            return "buddy: two free buddies are not merged";
        }
        const uint32_t dirty = count_dirty(page, pages_of(order));
        if (dirty != head.count.load(std::memory_order_relaxed)) {
            return "buddy: the count of a block's dirty pages is wrong";
        }
        counted_dirty += dirty;
        counted_free += pages_of(order);
        ++counted_blocks[static_cast<unsigned>(head.mobility)][order];
        page += pages_of(order);
    }
    if (counted_free != free_blocks.pages.load(std::memory_order_relaxed) ||
        counted_dirty != free_blocks.dirty.load(std::memory_order_relaxed)) {
        return "buddy: the count of free pages is wrong";
    }
    for (unsigned mobility = 0; mobility < mobility_count; ++mobility) {
        for (unsigned order = 0; order < order_count; ++order) {
            if (counted_blocks[mobility][order] != free_blocks.lists[mobility][order].size) {
                return "buddy: a free list and the descriptors disagree";
            }
        }
    }
    return nullptr;
}

} // namespace sb
