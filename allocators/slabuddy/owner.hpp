// Whose pointer is it: the size class that owns the page an address lies in, 0 for NULL, foreign and large
// ones. Any 64-bit value may be asked about. A pointer's own class cannot change while its holder may free
// it, so a relaxed read is enough: the hand-over of the pointer between threads orders it.
#pragma once

#include "allocators/slabuddy/zone.hpp"

namespace sb {

// The map holds classes as multiples of this, the size of a sheaf's slot, which spares free() a shift.
inline constexpr size_t owner_unit = 32;

[[gnu::always_inline]] inline size_t owner_times_unit(const void* block) {
    const uintptr_t page = zone_page_of(reinterpret_cast<uintptr_t>(block));
    if (__builtin_expect(page >= zone.limit, 0)) {
        return 0;
    }
    return zone.owner[page].load(std::memory_order_relaxed);
}

inline size_t owner_of(const void* block) {
    return owner_times_unit(block) / owner_unit;
}

// For a slab's run of pages, by the slab layer alone.
inline void owner_set(PageIndex first, uint32_t pages, unsigned cls) {
    for (uint32_t i = 0; i < pages; ++i) {
        zone.owner[first + i].store(static_cast<uint16_t>(cls * owner_unit), std::memory_order_relaxed);
    }
}

} // namespace sb
