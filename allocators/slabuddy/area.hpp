// Areas: mappings of their own for blocks above 4 MiB, each with a guard page behind it, as vmalloc has
// them. Found by address in a table out of band. A freed area is kept for a while in a small cache, with its
// memory, because programs that use one huge block tend to use another of that size at once; purge empties
// the cache.
#pragma once

#include "allocators/slabuddy/lock.hpp"

#include <cstddef>
#include <cstdint>

namespace sb {

void* area_allocate(size_t size, size_t alignment, bool zeroed); // NULL when refused
size_t area_size(const void* block);                             // 0 when no area begins here
bool area_free(void* block);                                     // false when no area begins here
bool area_was_freed(const void* block);                          // for reports: an area began here lately
void* area_resize(void* block, size_t size); // by the kernel (mremap), or NULL and unchanged

// Unmaps cached areas freed at or before `until_ms`. Returns bytes.
size_t area_purge(uint64_t until_ms);
uint64_t area_oldest_ms(); // of the cache, or UINT64_MAX

struct AreaFigures {
    size_t live;
    size_t live_bytes;
    size_t cached;
    size_t cached_bytes;
};
AreaFigures area_figures();

// Calls visit(context, address, bytes) for each live area, in no order, under the lock.
void area_visit(void (*visit)(void*, uintptr_t, size_t), void* context);

Lock& area_lock(); // for fork

} // namespace sb
