#include "allocators/slabuddy/barn.hpp"

#include "allocators/slabuddy/meta.hpp"
#include "allocators/slabuddy/size_classes.hpp"
#include "allocators/slabuddy/slab.hpp"

namespace sb {
namespace {

struct Stock {
    Sheaf* sheaf;
    uint32_t count;
};

struct alignas(64) Barn {
    Lock lock;
    uint8_t full = 0;
    uint8_t low_water = 0; // the fewest since the last shrink: so many lay idle
    Stock stock[barn_most_sheaves] = {};
};
constinit Barn barns[class_table_size];
constinit MetaPool<sizeof(Sheaf), sizeof(Sheaf)> sheaf_pool;

} // namespace

Sheaf* sheaf_allocate() {
    return static_cast<Sheaf*>(sheaf_pool.take());
}

void sheaf_release(Sheaf* sheaf) {
    sheaf_pool.give(sheaf);
}

Sheaf* barn_take(unsigned cls, uint32_t& count) {
    Barn& barn = barns[cls];
    Guard guard(barn.lock);
    if (barn.full == 0) {
        return nullptr;
    }
    const Stock taken = barn.stock[--barn.full];
    barn.low_water = barn.full < barn.low_water ? barn.full : barn.low_water;
    count = taken.count;
    return taken.sheaf;
}

bool barn_put(unsigned cls, Sheaf* sheaf, uint32_t count) {
    Barn& barn = barns[cls];
    Guard guard(barn.lock);
    if (barn.full >= size_classes[cls].barn_sheaves) {
        return false;
    }
    barn.stock[barn.full++] = {sheaf, count};
    return true;
}

void barn_shrink(bool all) {
    for (unsigned cls = 1; cls < class_table_size; ++cls) {
        Barn& barn = barns[cls];
        Guard guard(barn.lock);
        const unsigned idle = all ? barn.full : barn.low_water;
        for (unsigned i = 0; i < idle; ++i) {
            slab_flush(cls, barn.stock[i].sheaf->slots + 1, barn.stock[i].count, "free");
            sheaf_release(barn.stock[i].sheaf);
        }
        for (unsigned i = idle; i < barn.full; ++i) {
            barn.stock[i - idle] = barn.stock[i];
        }
        barn.full = static_cast<uint8_t>(barn.full - idle);
        barn.low_water = barn.full;
    }
}

uint64_t barn_objects(unsigned cls) {
    Barn& barn = barns[cls];
    Guard guard(barn.lock);
    uint64_t objects = 0;
    for (unsigned i = 0; i < barn.full; ++i) {
        objects += barn.stock[i].count;
    }
    return objects;
}

Lock& barn_lock(unsigned cls) {
    return barns[cls].lock;
}

Lock& sheaf_pool_lock() {
    return sheaf_pool.lock();
}

} // namespace sb
