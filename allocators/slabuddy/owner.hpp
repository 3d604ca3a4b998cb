// Whose pointer is it: the size class that owns the page an address lies in, 0 for NULL, foreign and large
// ones. Any 64-bit value may be asked about. A pointer's own class cannot change while its holder may free
// it, so a relaxed read is enough: the hand-over of the pointer between threads orders it.
#pragma once

#include "allocators/slabuddy/zone.hpp"

namespace sb {

[[gnu::always_inline]] inline size_t owner_of(const void* block) {
    const uintptr_t page = zone_page_of(reinterpret_cast<uintptr_t>(block));
    if (__builtin_expect(page >= zone.limit, 0)) {
        return 0;
    }
    return zone.owner[page].load(std::memory_order_relaxed);
}

// For a slab's run of pages, by the slab layer alone.
inline void owner_set(PageIndex first, uint32_t pages, unsigned cls) {
    for (uint32_t i = 0; i < pages; ++i) {
        zone.owner[first + i].store(static_cast<uint8_t>(cls), std::memory_order_relaxed);
    }
}

} // namespace sb
