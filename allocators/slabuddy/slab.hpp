// Slabs: a run of pages cut into objects of one class, without headers. Which objects are free is kept out of
// band in atomic occupancy words: bit set, object free here. Out of the slab, an object is in a sheaf, a barn
// or the program.
//
// A slab is at home in one shard (shard.hpp), whose lock for the class guards its place in the shard's lists. A refill
// empties whole words with one exchange each, under that lock; a flush sets bits with one fetch_or a word and
// takes the lock only when the slab moves to another list (none, fullest, ..., empty). A bit that is set
// already is a double free.
#pragma once

#include "allocators/slabuddy/config.hpp"
#include "allocators/slabuddy/lock.hpp"
#include "allocators/slabuddy/page.hpp"

#include <cstddef>
#include <cstdint>

namespace sb {

// Where a refill may look: in the slabs of the calling thread's shard, or then also among other shards' and in a new one.
enum class Reach : uint8_t { home, everywhere };

// Takes up to `wanted` free objects, lowest address last. Returns how many; 0 when there are none in reach, which with
// Reach::everywhere means that there is no memory.
unsigned slab_refill(unsigned cls, void** objects, unsigned wanted, Reach reach = Reach::everywhere);

// Gives objects of class `cls` back. Anything that is not the begin of an object in use ends the program with
// a report naming `call`, unless `forgiving` (the child of a fork, adopting what threads left in mid-flight).
void slab_flush(unsigned cls, void** objects, unsigned count, const char* call, bool forgiving = false);

// What a slab knows of an address.
enum class SlabObject : uint8_t {
    none,      // no object begins there
    free,      // the slab holds the object
    allocated, // it is in use, or in a sheaf or a barn
};
// Of an address that owner_of() says is of class `cls`. Takes no lock.
SlabObject slab_look_up(unsigned cls, const void* address);
// True when its slab holds it: exact, and takes the lock of the slab's home.
bool slab_holds(unsigned cls, const void* object);

// Gives the pages of all empty slabs back. Returns pages.
uint32_t slab_shrink();

// True when enough objects came back to this thread's shard since this last answered true that give-backs are worth a look.
bool slab_has_shrunk();

struct SlabFigures {
    uint64_t slabs;
    uint64_t objects;      // room in all slabs
    uint64_t free_objects; // of them in slabs, not in sheaves or the program
    uint64_t refills;      // objects that left slabs since the start
    uint64_t flushes;      // objects that came back
};
SlabFigures slab_figures(unsigned cls);

// Lists, counts and bits agree for every slab of every class: NULL, or what does not. Exact only while no
// other thread allocates.
const char* slab_check();

// In the child of a fork: counts every slab anew from its bits, for a thread of the parent may have been between setting
// bits and counting them.
void slab_repair();

Lock& slab_lock(unsigned shard, unsigned cls); // for fork

} // namespace sb
