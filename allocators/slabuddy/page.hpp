// Page descriptors: what is known of each 64 KiB page, out of band, as the kernel's struct page in mem_map.
//
// A block is named by its first page, the head; only heads have a state. Who may touch what:
//   state, order            written under the zone lock (or by the sole owner of an allocated block), read
//   anywhere next, prev, mobility    free block: zone lock; slab: the class's lock since_ms zone lock the
//   slab's fields       see slab.hpp
#pragma once

#include "allocators/slabuddy/config.hpp"

#include <atomic>
#include <cstdint>

namespace sb {

enum class PageState : uint8_t {
    inside,  // not a head: part of a block, or never committed
    free,    // head of a free block in the buddy's lists
    per_cpu, // head of a block in a per-CPU list
    slab,    // head of a slab
    large,   // head of a large block; `count` pages
    cache,   // head of a slab of a named cache
    held,    // taken out of the lists by purge for a moment
};

// Blocks of a kind stay in pageblocks of that kind, so that slabs, which live long, do not spoil every large
// range.
enum class Mobility : uint8_t { slab, large };
inline constexpr unsigned mobility_count = 2;

struct Page {
    std::atomic<PageState> state{PageState::inside};
    std::atomic<uint8_t> order{0};
    Mobility mobility{Mobility::slab};
    std::atomic<uint8_t> cls{0};  // of a slab
    uint8_t bin{0};               // of a slab: which list of its class it is in
    std::atomic<uint8_t> home{0}; // of a slab: the shard whose list that is
    union {
        uint16_t cache{0}; // of a named cache's slab: which cache, see cache.cpp
        uint16_t punched;  // of a class's slab: system pages among free objects whose memory went back
    };
    std::atomic<uint32_t> count{0}; // allocated: its pages; free: how many of them are dirty
    PageIndex next{no_page};
    PageIndex prev{no_page};
    std::atomic<int32_t> free_objects{0}; // of a slab
    union {
        uint64_t since_ms{0}; // free block: when its last part became free
        uint64_t
            looked_at; // of a class's slab: with how many free objects it was last looked at for system pages
    };
};
static_assert(sizeof(Page) == 32);

// A doubly linked list of pages by index. The caller holds the lock that the list belongs to. remove() reports links that do
// not meet, as the kernel's list debugging does: somebody wrote over descriptors.
class PageList {
  public:
    PageIndex first() const { return ~inverse_first_; }
    PageIndex last() const { return ~inverse_last_; }

    void push_front(PageIndex page);
    void push_back(PageIndex page);
    void remove(PageIndex page);

    uint32_t size = 0;

  private:
    // Inverse, so that empty lists are all zero: there are thousands, and what is not zero would come from the library's file.
    uint32_t inverse_first_ = ~no_page;
    uint32_t inverse_last_ = ~no_page;
};

} // namespace sb
