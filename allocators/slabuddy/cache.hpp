// Named slab caches, as kmem_cache_create() makes them: slabs of their own, cut to one size, with a constructor that runs
// once for each object of a new slab. Exact about misuse: every call is made under the cache's lock, and a bit for each
// object says whether the program has it. In debug mode (see debug.hpp) objects stand between red zones and free ones
// are poisoned; each is looked at when it is handed out, when it comes back and in cache_check().
//
// In debug mode malloc itself is served from such caches, and the size asked for may differ for each object.
#pragma once

#include "allocators/slabuddy/lock.hpp"
#include "allocators/slabuddy/page.hpp"

#include <cstddef>
#include <cstdint>

namespace sb {

inline constexpr size_t most_cache_object_bytes = size_t{256} << 10;
inline constexpr unsigned most_caches = 1024;

using Constructor = void (*)(void* object);

struct Cache {
    Lock lock;
    PageList partial; // some objects free, some not
    PageList full;    // none free
    PageList empty;   // all free
    uint64_t in_use;  // objects the program has
    uint64_t allocations;
    Constructor construct; // or NULL
    uint32_t bytes;        // of an object, as asked for
    uint32_t stride;       // from one object to the next
    uint32_t lead;         // before the first: a red zone
    uint16_t objects;      // in a slab
    uint16_t id;           // place in the table; 0: none
    uint8_t order;         // pages of a slab: 1 << order
    uint16_t rotor;        // debug: where the next search begins
    bool debug;            // red zones, and poison where there is no constructor
    bool serves_malloc;    // its objects go back by free()
    char name[43];
};

// NULL when memory or places in the table are used up. Preconditions: bytes is 1 to most_cache_object_bytes; align is a
// power of two of 16 to page_bytes; name holds what may stand in a line of slabinfo and is cut when too long.
Cache* cache_create(const char* name, size_t bytes, size_t align, Constructor construct,
                    bool serves_malloc = false);

// False, and nothing is changed, while objects are in use. The caller no longer uses the cache.
bool cache_destroy(Cache* cache);

// An object; NULL when there is no memory. `bytes`, at most cache->bytes, is where its red zone begins in debug mode.
void* cache_allocate(Cache* cache, size_t bytes);

// The cache an object (or any address in a slab of a named cache) belongs to, or NULL. Any address may be asked about.
Cache* cache_of(const void* address);

// Gives an object back. Anything but an object in use of this cache ends the program with a report naming `call`.
void cache_free(Cache* cache, void* object, const char* call);

// Bytes the program may use of an object in use; as cache_free() about anything else.
size_t cache_usable_size(Cache* cache, const void* object, const char* call);

// Gives the pages of empty slabs back. Returns pages.
uint32_t cache_shrink(Cache* cache);
uint32_t caches_shrink(); // of all caches

// Counts and bits agree; in debug mode, red zones and poison are whole (if not, that is reported and ends the program).
const char* cache_check();

// Calls visit(context, cache) for each cache, under the list's lock.
void cache_visit(void (*visit)(void*, Cache&), void* context);

struct CachesFigures {
    uint64_t pages;      // in slabs
    uint64_t live_bytes; // of objects in use, with their red zones
};
CachesFigures caches_figures();

// For fork: calls action(lock, context) for the list's lock and each cache's, in order.
void cache_each_lock(void (*action)(Lock&, void*), void* context);

} // namespace sb
