// The buddy allocator: blocks of 1 << order pages, each aligned to its size; the buddy of a block is its
// index XOR its size, free when its descriptor says free and of the same order. After Linux mm/page_alloc.c,
// without its watermarks.
//
// All calls take the zone lock themselves. A block that is allocated belongs to its holder, who alone may
// free it; what is freed must have been allocated as whole pages, but may be any part of a block (that is how
// tails come back). Free lists give dirty blocks first and fall back to clean ones, so memory that is already
// there is used again.
#pragma once

#include "allocators/slabuddy/page.hpp"

#include <cstdint>

namespace sb {

// `pages` pages aligned to 1 << align_order pages; the head has `state` and count == pages. no_page when the
// zone is exhausted or the system refuses memory. 1 <= pages <= 1 << max_order.
PageIndex buddy_allocate(uint32_t pages, unsigned align_order, Mobility mobility, PageState state);

// Gives back `pages` pages from `first` on. `touched` false: they were never written since they were
// allocated.
void buddy_free(PageIndex first, uint32_t pages, bool touched);

// Cuts the block of `pages` at `first` down to `wanted`; the rest is free.
void buddy_shrink(PageIndex first, uint32_t pages, uint32_t wanted);

// Extends the large block of `pages` at `first` to `wanted` in place, when the pages behind it are free.
bool buddy_absorb(PageIndex first, uint32_t pages, uint32_t wanted);

// Gives the memory of dirty free blocks that became free at or before `until_ms` back to the system. Returns
// pages.
uint32_t buddy_purge(uint64_t until_ms);

// The same at once, whatever its age, when with what is dirty the heap would be larger than it ever had to be; and, when it
// has drained, when more is dirty than may be beside what is in use (config.hpp): a program that has freed most of what it
// held may never call again. How much may be is learned: it grows while pages that were given back early are soon taken
// again. Cheap otherwise. Returns pages.
uint32_t buddy_trim();

// True when the heap is as large as it ever was, or nearly; when it is only a small part of that.
bool buddy_is_at_peak();
bool buddy_has_drained();

// True when the heap without the pages that lie idle within blocks is less than half of what it was at most since this last
// answered true: a heap that stays small after one peak is told of once for each halving.
bool buddy_has_shrunk(uint32_t idle_pages);

// Pages in blocks, without those that are free here.
uint32_t buddy_pages_in_use();

// True when the zone has handed out clean pages since this last answered true: only then the heap's memory has grown. Cheap.
bool buddy_took_clean();

// True when the zone has handed out enough clean pages since this last answered true that somebody should look for memory
// that lies idle. Cheap.
bool buddy_has_grown();

// True when the page lies in a free block, here or in a per-CPU list. For reports: it searches.
bool buddy_page_is_free(PageIndex page);

// The earliest time a dirty free block has been waiting since, or UINT64_MAX: lets purge skip its scan.
uint64_t buddy_oldest_dirty_ms();

struct BuddyFigures {
    uint32_t free_blocks[mobility_count][order_count];
    uint32_t free_pages;
    uint32_t dirty_pages; // of the free ones
    uint32_t large_pages; // in large blocks
    uint32_t slab_pages;  // in slabs
    uint32_t committed_pages;
};
BuddyFigures buddy_figures();

// Walks every descriptor: blocks tile the zone, no two free buddies are unmerged, lists and counts agree.
// NULL when all holds, else what does not.
const char* buddy_check();

} // namespace sb
