// Per-CPU pages: a few free blocks of the low orders for each processor, so that most slabs come and go
// without the zone lock. After the kernel's pcp lists. Blocks here are dirty or not as they came; purge
// empties the lists.
#pragma once

#include "allocators/slabuddy/lock.hpp"
#include "allocators/slabuddy/page.hpp"

namespace sb {

// A block of 1 << order pages for a slab, with `state`; no_page when there is no memory. order < pcp_orders.
PageIndex pcp_allocate(unsigned order, PageState state);

// Gives back a whole block that pcp_allocate gave; its pages were written.
void pcp_free(PageIndex page, unsigned order);

// Gives what all lists hold back to the buddy. Returns pages.
uint32_t pcp_drain();

uint32_t pcp_pages(); // held by all lists

// For fork: calls action(lock, context) for the lock of each processor's lists, in order.
void pcp_each_lock(void (*action)(Lock&, void*), void* context);

} // namespace sb
