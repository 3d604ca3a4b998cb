// The sizes everything is built from. Policy figures (how much is cached where, for how long) are here too,
// so that one page shows what can be tuned; what a user may change at run time is in options.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sb {

// True in the library that keeps a state byte for each object: see integrity.hpp.
#ifdef SLABUDDY_CHECKED
inline constexpr bool checked = true;
#else
inline constexpr bool checked = false;
#endif

// Pages, blocks, zone. A page is sixteen times the processor's: descriptors and maps shrink by as much, and
// the smallest slab still holds enough objects to be worth its refill.
inline constexpr unsigned page_shift = 16;
inline constexpr size_t page_bytes = size_t{1} << page_shift;
inline constexpr unsigned max_order = 9; // 32 MiB
inline constexpr unsigned order_count = max_order + 1;
// 2 MiB, the huge page of x86-64 and of aarch64 with 4 KiB pages.
inline constexpr unsigned pageblock_order = 5;
inline constexpr size_t zone_default_bytes = size_t{256} << 30;
inline constexpr size_t zone_least_bytes = size_t{32} << 20;
// Too small for a huge page: small programs stay small.
inline constexpr size_t first_commit_bytes = size_t{1} << 20;
inline constexpr size_t most_commit_step_bytes = size_t{64} << 20;

using PageIndex = uint32_t;
inline constexpr PageIndex no_page = UINT32_MAX;

// Free pages that were written stay for a while, but no more than make the heap larger than it ever had to be by this, or
// this share of it.
inline constexpr uint32_t peak_slack_pages = (size_t{1} << 20) >> page_shift;
inline constexpr uint32_t peak_slack_share = 16;
inline constexpr uint32_t trim_step_pages = 8; // so many at once at least
// When less than this share of the peak is left in use, no more than this or that share of it. The least grows, up to the
// most, with a program that takes back at once what was given back (regret.hpp).
inline constexpr uint32_t drained_share = 4;
inline constexpr uint32_t least_dirty_pages = (size_t{2} << 20) >> page_shift;
inline constexpr uint32_t most_dirty_pages = (size_t{64} << 20) >> page_shift;
inline constexpr uint32_t most_dirty_share = 4;
inline constexpr uint64_t regret_ms = 1000; // what is taken back after this long was rightly given
// After the system refused to take memory back (it is locked), it is not asked again for so long.
inline constexpr uint64_t refusal_ms = 100;

// A heap that grows looks first at what lies idle in its slabs: after so much growth, or a share of what is in use. What is
// idle and not a quarter of what lives may stay.
inline constexpr uint32_t growth_pages = (size_t{1} << 20) >> page_shift;
inline constexpr uint32_t growth_share = 16;
inline constexpr size_t least_idle_bytes = size_t{2} << 20; // grows as least_dirty_pages does
inline constexpr size_t most_idle_bytes = size_t{64} << 20;
inline constexpr size_t most_idle_share = 4;
// One that shrinks is looked at after so much came back, or after growth_share: less may lie idle anyhow.
inline constexpr size_t shrink_bytes = least_idle_bytes;
// Smaller objects hardly ever leave a whole system page free.
inline constexpr size_t least_punched_object_bytes = 128;

// Slabs and sheaves.
inline constexpr size_t most_slab_object_bytes = size_t{32} << 10;
inline constexpr unsigned most_slab_order = 3;
// Occupancy words of a page of the smallest objects.
inline constexpr unsigned words_per_page = page_bytes / 16 / 64;
inline constexpr unsigned sheaf_slots = 63; // and a NULL at the bottom: 512 bytes
inline constexpr unsigned sheaf_first_capacity = 8;
inline constexpr size_t sheaf_most_bytes = size_t{64} << 10; // of objects, in one sheaf
inline constexpr size_t barn_most_bytes = size_t{512} << 10; // of objects, in the full sheaves of one barn
// And in all barns of a processor: a share of what is in use, between the least and the most.
inline constexpr size_t barns_most_bytes = size_t{2} << 20;
inline constexpr size_t barns_least_bytes = size_t{256} << 10;
inline constexpr size_t barns_share = 16;
inline constexpr unsigned barn_most_sheaves = 128;
inline constexpr unsigned barn_most_empties = 8;
inline constexpr unsigned most_empty_slabs = 1;    // kept by a class before its pages go back
inline constexpr unsigned slabs_with_an_empty = 4; // the class must have, to keep one

// Per-CPU pages.
inline constexpr unsigned pcp_orders = most_slab_order + 1;
inline constexpr unsigned pcp_capacity = 8; // blocks of order 0; half as many of each higher order
inline constexpr unsigned pcp_shards = 64;

// Large blocks.
inline constexpr uint32_t large_kept_pages = 8; // the most a thread keeps of its own: 512 KiB, each size once
inline constexpr size_t most_buddy_bytes = size_t{4} << 20; // above it, areas of their own
inline constexpr size_t area_cache_bytes = size_t{64} << 20;
inline constexpr unsigned area_cache_entries = 16;
// Of a cached area that is cut: less is not worth a mapping.
inline constexpr size_t area_least_rest_bytes = size_t{1} << 20;
inline constexpr size_t area_most_growth = 4; // a cached area is not extended to more times its size

static_assert(words_per_page * 64 * 16 == page_bytes);
static_assert(most_buddy_bytes <= page_bytes << max_order);

} // namespace sb
