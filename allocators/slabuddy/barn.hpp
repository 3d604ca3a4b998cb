// Barns: for each class and shard (shard.hpp) a stock of full sheaves, and of empty ones to pay for them with. A
// thread that ran dry swaps its empty sheaf for a full one, a thread that overflows does the opposite: one lock
// for up to 63 objects, and a block freed far from where it was allocated needs no owner. What lies idle
// between two purges goes back to the slabs.
#pragma once

#include "allocators/slabuddy/lock.hpp"
#include "allocators/slabuddy/slab.hpp"

#include <cstdint>

namespace sb {

// A sheaf's memory: 64 pointers aligned to their size. slots[0] is NULL while in use, so that a pop from an
// empty sheaf reads NULL; objects stand from slots[1] on.
struct Sheaf {
    void* slots[64];
};
static_assert(sizeof(Sheaf) == 512);

Sheaf* sheaf_allocate(); // empty; NULL when there is no memory
void sheaf_release(Sheaf* sheaf);

// A full sheaf of `cls` with its number of objects, for `empty`, which is the barn's from then on; NULL when no barn in
// reach has one, and `empty` stays the caller's.
Sheaf* barn_take(unsigned cls, Sheaf* empty, uint32_t& count, Reach reach);

// An empty sheaf for a full one with `count` objects; NULL when the barn is full or there is no memory, and the
// sheaf stays the caller's.
Sheaf* barn_put(unsigned cls, Sheaf* full, uint32_t count);

// Flushes what no thread took since the last call; `all` also the rest.
void barn_shrink(bool all);

uint64_t barn_objects(unsigned cls);
bool barn_holds(unsigned cls, const void* object); // looks at each object of every barn

Lock& barn_lock(unsigned shard, unsigned cls); // for fork
Lock& sheaf_pool_lock();

} // namespace sb
