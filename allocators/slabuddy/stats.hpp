// Figures, and their texts in the layout the kernel gives its own: /proc/slabinfo, buddyinfo, vmallocinfo and
// /sys/kernel/debug/extfrag/unusable_index. Counted on refill and flush only, so objects in a thread's sheaf count as in
// use. Nothing here allocates.
#pragma once

#include "allocators/slabuddy/sink.hpp"

#include <cstddef>
#include <cstdint>

namespace sb {

void slabinfo_write(TextSink sink);
void buddyinfo_write(TextSink sink);
void vmallocinfo_write(TextSink sink);
void unusable_index_write(TextSink sink);

struct Totals {
    size_t committed_bytes; // zone pages handed out by the system; never fewer
    size_t live_bytes;      // in the program's hands, or in a thread's sheaf
    size_t area_bytes;      // live areas
    size_t areas;
    size_t cached_areas;
    size_t cached_area_bytes;
    size_t free_bytes; // in the zone, not in the program's hands
    size_t free_blocks;
    size_t dirty_bytes; // of the free ones in the buddy
    size_t metadata_bytes;
};
Totals totals();

// One slab cache of either kind, as slabinfo shows it.
struct CacheRow {
    const char* name;
    uint64_t objects; // room in its slabs
    uint64_t in_use;  // of them with the program or in a thread's sheaf
    uint64_t in_barn;
    uint64_t slabs;
    uint64_t allocations; // of a size class: objects that left its slabs or barns for a sheaf
    uint32_t object_bytes;
    uint16_t objects_per_slab;
    uint16_t pages_per_slab;
    uint16_t limit; // tunables of a size class: a sheaf's capacity, its refill, full sheaves in the barn
    uint16_t batch;
    uint16_t shared;
};
// Calls visit(context, row) for each that ever had a slab: the size classes, then named caches.
void stats_each_cache(void (*visit)(void*, const CacheRow&), void* context);

// For a request of 1 << order pages: thousandths of the free memory that are in smaller blocks. 1000 with none free.
unsigned unusable_thousandths(unsigned order);

} // namespace sb
