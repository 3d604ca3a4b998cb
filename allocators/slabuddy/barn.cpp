#include "allocators/slabuddy/barn.hpp"

#include "allocators/slabuddy/buddy.hpp"
#include "allocators/slabuddy/meta.hpp"
#include "allocators/slabuddy/shard.hpp"
#include "allocators/slabuddy/size_classes.hpp"

namespace sb {
namespace {

struct Stock {
    Sheaf* sheaf;
    uint32_t count;
};

struct alignas(64) Barn {
    Lock lock;
    std::atomic<uint8_t> full{0}; // read without the lock by who looks for a neighbour's
    uint8_t empty = 0;
    uint8_t low_water = 0; // the fewest full ones since the last shrink: so many lay idle
    Sheaf* empties[barn_most_empties] = {};
    Stock stock[barn_most_sheaves] = {};
};
constinit Barn barns[most_shards][class_table_size];

// Bytes of objects in all barns of a shard. Nobody waits for it: a barn may be a sheaf above the most there may be.
struct alignas(64) Stocked {
    std::atomic<size_t> bytes{0};
};
constinit Stocked stocked_in[most_shards];

void note_stocked(unsigned shard, unsigned cls, uint32_t objects) {
    stocked_in[shard].bytes.fetch_add(size_t{objects} * size_classes[cls].bytes, std::memory_order_relaxed);
}

void note_taken(unsigned shard, unsigned cls, uint32_t objects) {
    stocked_in[shard].bytes.fetch_sub(size_t{objects} * size_classes[cls].bytes, std::memory_order_relaxed);
}

// A small heap has small stocks.
size_t most_stocked() {
    const size_t share = (size_t{buddy_pages_in_use()} << page_shift) / barns_share;
    return share < barns_least_bytes ? barns_least_bytes
                                     : (share > barns_most_bytes ? barns_most_bytes : share);
}

constinit MetaPool<sizeof(Sheaf), sizeof(Sheaf)> sheaf_pool;

// Swaps when the barn has a full sheaf. An empty one that finds no room goes to `surplus`.
Sheaf* take(unsigned shard, unsigned cls, Sheaf* empty, uint32_t& count, Sheaf*& surplus) {
    Barn& barn = barns[shard][cls];
    // A look without the lock spares an idle neighbour its cache line; who puts a sheaf there meanwhile is soon found.
    if (barn.full.load(std::memory_order_relaxed) == 0) {
        return nullptr;
    }
    Guard guard(barn.lock);
    uint8_t full = barn.full.load(std::memory_order_relaxed);
    if (full == 0) {
        return nullptr;
    }
    const Stock taken = barn.stock[--full];
    barn.full.store(full, std::memory_order_relaxed);
    barn.low_water = full < barn.low_water ? full : barn.low_water;
    count = taken.count;
    note_taken(shard, cls, count);
    if (barn.empty < barn_most_empties) {
        barn.empties[barn.empty++] = empty;
    } else {
        surplus = empty;
    }
    return taken.sheaf;
}

} // namespace

Sheaf* sheaf_allocate() {
    return static_cast<Sheaf*>(sheaf_pool.take());
}

void sheaf_release(Sheaf* sheaf) {
    sheaf_pool.give(sheaf);
}

Sheaf* barn_take(unsigned cls, Sheaf* empty, uint32_t& count, Reach reach) {
    const unsigned shard = shard_of_this_cpu();
    const unsigned shards = shard_count();
    Sheaf* full = nullptr;
    Sheaf* surplus = nullptr;
    if (reach == Reach::home) {
        full = take(shard, cls, empty, count, surplus);
    }
    for (unsigned i = 1; i < shards && reach == Reach::everywhere && !full; ++i) {
        full = take((shard + i) % shards, cls, empty, count, surplus);
    }
    if (surplus) {
        sheaf_release(surplus);
    }
    return full;
}

Sheaf* barn_put(unsigned cls, Sheaf* full, uint32_t count) {
    const unsigned shard = shard_of_this_cpu();
    if (stocked_in[shard].bytes.load(std::memory_order_relaxed) >= most_stocked()) {
        return nullptr;
    }
    Barn& barn = barns[shard][cls];
    Sheaf* empty = nullptr;
    for (;;) {
        {
            Guard guard(barn.lock);
            const uint8_t stocked = barn.full.load(std::memory_order_relaxed);
            if (stocked < size_classes[cls].barn_sheaves) {
                if (!empty && barn.empty > 0) {
                    empty = barn.empties[--barn.empty];
                }
                if (empty) {
                    barn.stock[stocked] = {full, count};
                    note_stocked(shard, cls, count);
                    barn.full.store(static_cast<uint8_t>(stocked + 1), std::memory_order_relaxed);
                    return empty;
                }
            } else if (empty) {
                break;
            } else {
                return nullptr;
            }
        }
        empty = sheaf_allocate();
        if (!empty) {
            return nullptr;
        }
    }
    sheaf_release(empty); // others filled the barn meanwhile
    return nullptr;
}

void barn_shrink(bool all) {
    const unsigned shards = shard_count();
    for (unsigned shard = 0; shard < shards; ++shard) {
        for (unsigned cls = 1; cls < class_table_size; ++cls) {
            Barn& barn = barns[shard][cls];
            if (barn.full.load(std::memory_order_relaxed) == 0) {
                continue; // a lock would give memory to barns that were never used
            }
            Guard guard(barn.lock);
            const uint8_t full = barn.full.load(std::memory_order_relaxed);
            const uint8_t idle = all ? full : barn.low_water;
            for (unsigned i = 0; i < idle; ++i) {
                slab_flush(cls, barn.stock[i].sheaf->slots + 1, barn.stock[i].count, "free");
                sheaf_release(barn.stock[i].sheaf);
                note_taken(shard, cls, barn.stock[i].count);
            }
            for (unsigned i = idle; i < full; ++i) {
                barn.stock[i - idle] = barn.stock[i];
            }
            barn.low_water = static_cast<uint8_t>(full - idle);
            barn.full.store(barn.low_water, std::memory_order_relaxed);
        }
    }
}

uint64_t barn_objects(unsigned cls) {
    const unsigned shards = shard_count();
    uint64_t objects = 0;
    for (unsigned shard = 0; shard < shards; ++shard) {
        Barn& barn = barns[shard][cls];
        Guard guard(barn.lock);
        for (unsigned i = 0; i < barn.full.load(std::memory_order_relaxed); ++i) {
            objects += barn.stock[i].count;
        }
    }
    return objects;
}

bool barn_holds(unsigned cls, const void* object) {
    const unsigned shards = shard_count();
    for (unsigned shard = 0; shard < shards; ++shard) {
        Barn& barn = barns[shard][cls];
        Guard guard(barn.lock);
        for (unsigned i = 0; i < barn.full.load(std::memory_order_relaxed); ++i) {
            for (uint32_t at = 1; at <= barn.stock[i].count; ++at) {
                if (barn.stock[i].sheaf->slots[at] == object) {
                    return true;
                }
            }
        }
    }
    return false;
}

Lock& barn_lock(unsigned shard, unsigned cls) {
    return barns[shard][cls].lock;
}

Lock& sheaf_pool_lock() {
    return sheaf_pool.lock();
}

} // namespace sb
