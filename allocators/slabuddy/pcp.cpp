#include "allocators/slabuddy/pcp.hpp"

#include "allocators/slabuddy/buddy.hpp"
#include "allocators/slabuddy/os.hpp"
#include "allocators/slabuddy/zone.hpp"

#include <atomic>

namespace sb {
namespace {

struct alignas(64) Shard {
    Lock lock;
    std::atomic<uint8_t> count[pcp_orders] = {};     // written under the lock
    PageIndex blocks[pcp_orders][pcp_capacity] = {}; // a stack: the hottest on top

    unsigned held(unsigned order) const { return count[order].load(std::memory_order_relaxed); }
    void set_held(unsigned order, unsigned blocks) {
        count[order].store(static_cast<uint8_t>(blocks), std::memory_order_relaxed);
    }
    PageIndex pop(unsigned order) {
        const unsigned left = held(order) - 1;
        set_held(order, left);
        return blocks[order][left];
    }
    bool is_empty() const {
        unsigned all = 0;
        for (unsigned order = 0; order < pcp_orders; ++order) {
            all += held(order);
        }
        return all == 0;
    }
};
constinit Shard shards[pcp_shards];
std::atomic<unsigned> used_shards{0}; // the first ones; beyond them nothing was ever put

Shard& shard_of_this_cpu() {
    const unsigned shard = os_cpu() % pcp_shards;
    unsigned used = used_shards.load(std::memory_order_relaxed);
    while (__builtin_expect(shard >= used, 0) && !used_shards.compare_exchange_weak(used, shard + 1)) {
    }
    return shards[shard];
}

void set_state(PageIndex page, PageState state) {
    zone.mem_map[page].state.store(state, std::memory_order_relaxed);
}

} // namespace

PageIndex pcp_allocate(unsigned order, PageState state) {
    Shard& shard = shard_of_this_cpu();
    {
        Guard guard(shard.lock);
        if (shard.held(order) > 0) {
            const PageIndex page = shard.pop(order);
            set_state(page, state);
            return page;
        }
    }
    // No batch on the way in: a program with one slab of a class should not hold four.
    return buddy_allocate(uint32_t{1} << order, order, Mobility::slab, state);
}

void pcp_free(PageIndex page, unsigned order) {
    PageIndex surplus[pcp_capacity];
    unsigned surplus_count = 0;
    Shard& shard = shard_of_this_cpu();
    {
        Guard guard(shard.lock);
        const unsigned capacity = pcp_capacity >> order;
        if (shard.held(order) == capacity) {
            // The older half goes, the coldest in the cache.
            const unsigned kept = capacity / 2;
            for (; surplus_count < capacity - kept; ++surplus_count) {
                surplus[surplus_count] = shard.blocks[order][surplus_count];
            }
            for (unsigned i = 0; i < kept; ++i) {
                shard.blocks[order][i] = shard.blocks[order][surplus_count + i];
            }
            shard.set_held(order, kept);
        }
        set_state(page, PageState::per_cpu);
        const unsigned held = shard.held(order);
        shard.blocks[order][held] = page;
        shard.set_held(order, held + 1);
    }
    for (unsigned i = 0; i < surplus_count; ++i) {
        buddy_free(surplus[i], uint32_t{1} << order, true);
    }
}

uint32_t pcp_drain() {
    uint32_t drained = 0;
    const unsigned used = used_shards.load(std::memory_order_relaxed);
    for (unsigned i = 0; i < used; ++i) {
        Shard& shard = shards[i];
        if (shard.is_empty()) {
            continue; // without its lock: most are, and a look comes often
        }
        Guard guard(shard.lock);
        for (unsigned order = 0; order < pcp_orders; ++order) {
            while (shard.held(order) > 0) {
                buddy_free(shard.pop(order), uint32_t{1} << order, true);
                drained += uint32_t{1} << order;
            }
        }
    }
    return drained;
}

uint32_t pcp_pages() {
    uint32_t pages = 0;
    for (Shard& shard : shards) {
        Guard guard(shard.lock);
        for (unsigned order = 0; order < pcp_orders; ++order) {
            pages += shard.held(order) << order;
        }
    }
    return pages;
}

void pcp_each_lock(void (*action)(Lock&, void*), void* context) {
    for (Shard& shard : shards) {
        action(shard.lock, context);
    }
}

} // namespace sb
