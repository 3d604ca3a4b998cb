// The zone: one reservation of address space, committed from the bottom as it is used, and the arrays that
// describe it, each reserved for the whole zone and committed in step with it (the owner map at once: it is
// small, and any address may be looked up). All are indexed by page.
//
//   mem_map     a descriptor for each page                                             page.hpp
//   owner       the size class that owns each page, 0 for none                         owner.hpp
//   occupancy   a bit for each object of the smallest class, set when it is free       slab.hpp
//   dirty       1 when the page may hold something other than zeros                    buddy.hpp
//   blocks      the mobility of each 2 MiB pageblock                                   buddy.hpp
//   states      checked library: a byte for each object of the smallest class          integrity.hpp
//
// zone_ready() must have answered true before anything but `pages` and zone_page_of() is used. Where
// RLIMIT_AS is set, half of it goes to the zone; the rest is left to areas, stacks and libraries.
#pragma once

#include "allocators/slabuddy/lock.hpp"
#include "allocators/slabuddy/page.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sb {

struct Zone {
    // The fast path reads these three: set once, by zone_ready(). Who frees a block got it from an allocation
    // that came after; who frees anything else meanwhile meets limit 0. Plain, so that compilers fold them
    // into instructions.
    uintptr_t base = 0;                     // aligned to the largest block
    uint64_t limit = 0;                     // pages reserved; `owner` is readable for all of them
    std::atomic<uint16_t>* owner = nullptr; // written by slab.cpp alone

    uint64_t noise = 0; // differs from process to process; no secret. Set with the others

    bool debug = false; // SLABUDDY_OPTIONS=debug, see debug.hpp; set with the others

    std::atomic<uint32_t> pages{0}; // committed; grows only
    Page* mem_map = nullptr;
    std::atomic<uint64_t>* occupancy = nullptr;
    uint8_t* dirty = nullptr;   // allocated block: its owner; free: zone lock
    Mobility* blocks = nullptr; // zone lock
    std::atomic<uint8_t>* states = nullptr;
    Lock lock;
};
// Said to be hidden here too: what is only declared is taken for another library's, and costs free() an instruction.
extern constinit Zone zone [[gnu::visibility("hidden")]];

// True when an earlier zone_ready() was; for callers that may not wait or call the system.
bool zone_is_ready();

// Reserves the zone on the first call; false when the system gives no address space at all.
bool zone_ready();

// Commits at least `pages` more, rounded up so that growing is rare; 0 when refused, else how many pages were
// added at the old zone.pages. Zone lock held. The new pages belong to no block yet.
uint32_t zone_grow(uint32_t pages);

inline uintptr_t page_address(PageIndex page) {
    return zone.base + (static_cast<uintptr_t>(page) << page_shift);
}

// The page of any address whatever, or a number that is not below zone.pages.
inline uintptr_t zone_page_of(uintptr_t address) {
    return (address - zone.base) >> page_shift;
}

} // namespace sb
