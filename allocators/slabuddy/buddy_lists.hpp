// How free blocks are kept: their lists and counts. For buddy.cpp, which moves pages, and the files beside it that trim, count
// and check; everybody else has buddy.hpp.
#pragma once

#include "allocators/slabuddy/buddy.hpp"
#include "allocators/slabuddy/zone.hpp"

#include <atomic>
#include <cstdint>

namespace sb {

// Written under the zone lock. In each list the dirty blocks stand in front.
struct FreeBlocks {
    PageList lists[mobility_count][order_count];
    std::atomic<uint32_t> pages{0};
    std::atomic<uint32_t> dirty{0}; // of those pages
    std::atomic<uint64_t> oldest_dirty_ms{UINT64_MAX};
};
extern constinit FreeBlocks free_blocks;

constexpr uint32_t pages_of(unsigned order) {
    return uint32_t{1} << order;
}

uint32_t count_dirty(PageIndex first, uint32_t pages);

// The head of a free block, or no_page: has it a dirty page?
inline bool is_dirty(PageIndex page) {
    return page != no_page && zone.mem_map[page].count.load(std::memory_order_relaxed) > 0;
}

// Is it the head of a free block of that order?
inline bool is_free_block(PageIndex page, unsigned order) {
    const Page& head = zone.mem_map[page];
    return head.state.load(std::memory_order_relaxed) == PageState::free &&
           head.order.load(std::memory_order_relaxed) == order;
}

// All below with the zone lock held. A block becomes free, or is no longer; its dirty pages are counted anew.
void put_on_list(PageIndex page, unsigned order, uint64_t since_ms);
void take_off_list(PageIndex page);

// Notes how many pages of a free block are dirty, in its head and in the sum; true when there are any.
bool note_dirty(PageIndex page, uint32_t dirty);

// A block was handed out, `clean` of its pages without memory: the heap's size and what trimming learns from it.
void buddy_note_taken(uint32_t clean);

} // namespace sb
