#include "allocators/slabuddy/area.hpp"

#include "allocators/slabuddy/config.hpp"
#include "allocators/slabuddy/options.hpp"
#include "allocators/slabuddy/os.hpp"

#include <cstring>

namespace sb {
namespace {

// bytes: usable, without the guard. address 0: an empty entry; bytes 0: an area that was freed, whose address stays to
// tell a double free from a foreign pointer until the table is made anew.
struct Area {
    uintptr_t address;
    size_t bytes;
};

struct Cached {
    Area area;
    uint64_t since_ms;
};

constinit Lock lock;
Area* table = nullptr; // open addressing, linear probing; a power of two
size_t table_size = 0;
size_t table_used = 0; // with removed entries
size_t live = 0;
size_t live_bytes = 0;
Cached cache[area_cache_entries] = {};
size_t cached_bytes = 0;
std::atomic<uint64_t> oldest_ms{UINT64_MAX};

size_t slot_of(uintptr_t address, size_t size) {
    return (address >> 12) * 0x9e3779b97f4a7c15 >> 32 & (size - 1);
}

// The live area at the address, or with `freed` the trace of one.
Area* find(uintptr_t address, bool freed = false) {
    if (table_size == 0 || address == 0) {
        return nullptr;
    }
    for (size_t i = slot_of(address, table_size);; i = (i + 1) & (table_size - 1)) {
        if (table[i].address == address && (table[i].bytes == 0) == freed) {
            return &table[i];
        }
        if (table[i].address == 0) {
            return nullptr;
        }
    }
}

void put(Area* into, size_t size, Area area) {
    size_t i = slot_of(area.address, size);
    while (into[i].bytes > 0) {
        i = (i + 1) & (size - 1);
    }
    into[i] = area;
}

// Room for one more entry at a load below three quarters; also what clears removed entries away.
bool make_room() {
    if (table_size > 0 && (table_used + 1) * 4 < table_size * 3) {
        return true;
    }
    size_t size = 256;
    while (size < (live + 1) * 4) {
        size *= 2;
    }
    auto* made = static_cast<Area*>(os_map(size * sizeof(Area)));
    if (!made) {
        return false;
    }
    for (size_t i = 0; i < table_size; ++i) {
        if (table[i].bytes > 0) {
            put(made, size, table[i]);
        }
    }
    if (table) {
        os_unmap(table, table_size * sizeof(Area));
    }
    table = made;
    table_size = size;
    table_used = live;
    return true;
}

// make_room() has answered true since the last insertion.
void insert_into_room(Area area) {
    put(table, table_size, area);
    ++table_used; // too many where it took a freed one's place: the table is made anew the sooner
    ++live;
    live_bytes += area.bytes;
}

bool insert(Area area) {
    if (!make_room()) {
        return false;
    }
    insert_into_room(area);
    return true;
}

void erase(Area* entry) {
    live_bytes -= entry->bytes;
    --live;
    entry->bytes = 0;
}

size_t guard_bytes() {
    return os_page_bytes();
}

void unmap(Area area) {
    os_unmap(reinterpret_cast<void*>(area.address), area.bytes + guard_bytes());
}

// Maps `bytes` and a guard, aligned.
bool map(size_t bytes, size_t alignment, Area& area) {
    const size_t slack = alignment > os_page_bytes() ? alignment : 0;
    size_t whole = 0;
    if (__builtin_add_overflow(bytes, guard_bytes() + slack, &whole) ||
        whole > static_cast<size_t>(PTRDIFF_MAX)) {
        return false;
    }
    void* mapped = os_map(whole);
    if (!mapped) {
        return false;
    }
    const auto begin = reinterpret_cast<uintptr_t>(mapped);
    const uintptr_t address = slack ? (begin + alignment - 1) & ~(alignment - 1) : begin;
    const uintptr_t end = address + bytes + guard_bytes();
    if (address > begin) {
        os_unmap(mapped, address - begin);
    }
    if (begin + whole > end) {
        os_unmap(reinterpret_cast<void*>(end), begin + whole - end);
    }
    // Out of map entries the area is still good, only unguarded.
    os_guard(reinterpret_cast<void*>(address + bytes), guard_bytes());
    area = {address, bytes};
    return true;
}

// Takes a cached area off the cache.
Area take_out(Cached& entry) {
    const Area area = entry.area;
    cached_bytes -= area.bytes;
    entry.area = {};
    return area;
}

// The best cached area for a new one: the smallest that is large enough, else the largest there is.
Cached* best_cached(size_t bytes, size_t alignment) {
    Cached* best = nullptr;
    for (Cached& entry : cache) {
        const size_t here = entry.area.bytes;
        if (here == 0 || entry.area.address % alignment != 0) {
            continue;
        }
        const size_t so_far = best ? best->area.bytes : 0;
        if (so_far < bytes ? here > so_far : (here >= bytes && here < so_far)) {
            best = &entry;
        }
    }
    return best;
}

// Cuts the area down to `bytes` when much of it would be wasted; what is behind the new guard stays cached, in `entry`,
// which was the area's own.
void split(Area& area, size_t bytes, Cached& entry) {
    const size_t used = bytes + guard_bytes();
    if (area.bytes - bytes <= bytes / 8 || area.bytes - bytes < area_least_rest_bytes ||
        !os_guard(reinterpret_cast<void*>(area.address + bytes), guard_bytes())) {
        return;
    }
    entry.area = {area.address + used, area.bytes - used};
    cached_bytes += entry.area.bytes;
    area.bytes = bytes;
}

// Resizes the mapping, which may move. False: it is as before.
bool grow(Area& area, size_t bytes) {
    // The kernel resizes one mapping at a time: the guard stays behind and a new one is made.
    void* moved = os_remap(reinterpret_cast<void*>(area.address), area.bytes, bytes + guard_bytes());
    if (!moved) {
        return false;
    }
    os_guard(static_cast<char*>(moved) + bytes, guard_bytes());
    os_unmap(reinterpret_cast<void*>(area.address + area.bytes), guard_bytes());
    area = {reinterpret_cast<uintptr_t>(moved), bytes};
    return true;
}

// A cached area made to fit: cut, or extended by pages from the kernel, whose page tables move and not their content.
// So memory that is there is used again whatever the sizes, and only what is missing faults.
bool take_cached(size_t bytes, size_t alignment, Area& area) {
    Cached* best = best_cached(bytes, alignment);
    // A move keeps the alignment of pages alone.
    if (!best || (best->area.bytes < bytes &&
                  (alignment > os_page_bytes() || best->area.bytes < bytes / area_most_growth))) {
        return false;
    }
    area = best->area;
    const size_t cached = area.bytes;
    if (cached < bytes && !grow(area, bytes)) {
        return false;
    }
    cached_bytes -= cached;
    best->area = {};
    split(area, bytes, *best);
    return true;
}

// Joins the area with the cached ones that stand beside it, one guard apart, to `most` bytes: what split() cut becomes whole
// again.
void join_neighbours(Area& area, size_t most) {
    const size_t between = guard_bytes();
    for (Cached& entry : cache) {
        const Area& other = entry.area;
        if (other.bytes == 0 || area.bytes + other.bytes + between > most) {
            continue;
        }
        const bool behind = area.address + area.bytes + between == other.address;
        const bool before = other.address + other.bytes + between == area.address;
        const uintptr_t guard = behind ? area.address + area.bytes : other.address + other.bytes;
        if ((behind || before) && os_commit(reinterpret_cast<void*>(guard), between)) {
            const Area joined = take_out(entry);
            area.address = behind ? area.address : joined.address;
            area.bytes += joined.bytes + between;
        }
    }
}

// Keeps a freed area, or answers false. The oldest entries make room.
bool keep(Area area, uint64_t now_ms) {
    uint64_t most = option(Option::purge_ms) == 0 ? 0 : option(Option::area_cache);
    if (most > 0 && live_bytes / 3 * 2 > most) {
        most = live_bytes / 3 * 2; // what is small beside the program's own may wait for a block that it fits
    }
    if (area.bytes > most) {
        return false;
    }
    join_neighbours(area, most);
    for (;;) {
        Cached* oldest = nullptr;
        Cached* empty = nullptr;
        for (Cached& entry : cache) {
            if (entry.area.address == 0) {
                empty = &entry;
            } else if (!oldest || entry.since_ms < oldest->since_ms) {
                oldest = &entry;
            }
        }
        if (empty && cached_bytes + area.bytes <= most) {
            *empty = {area, now_ms};
            cached_bytes += area.bytes;
            if (now_ms < oldest_ms.load(std::memory_order_relaxed)) {
                oldest_ms.store(now_ms, std::memory_order_relaxed);
            }
            return true;
        }
        if (!oldest) {
            return false;
        }
        cached_bytes -= oldest->area.bytes;
        unmap(oldest->area);
        oldest->area = {};
    }
}

size_t whole_pages(size_t size) {
    const size_t page = os_page_bytes();
    return (size + page - 1) & ~(page - 1);
}

} // namespace

void* area_allocate(size_t size, size_t alignment, bool zeroed) {
    const size_t bytes = whole_pages(size == 0 ? 1 : size);
    if (bytes < size) {
        return nullptr;
    }
    Area area = {};
    bool reused = false;
    {
        Guard guard(lock);
        reused = take_cached(bytes, alignment, area);
        if (reused && !insert(area)) {
            unmap(area);
            return nullptr;
        }
    }
    if (reused) {
        if (zeroed && !os_purge(reinterpret_cast<void*>(area.address), area.bytes)) {
            memset(reinterpret_cast<void*>(area.address), 0, size);
        }
        return reinterpret_cast<void*>(area.address);
    }
    if (!map(bytes, alignment, area)) {
        return nullptr;
    }
    Guard guard(lock);
    if (!insert(area)) {
        unmap(area);
        return nullptr;
    }
    return reinterpret_cast<void*>(area.address);
}

size_t area_size(const void* block) {
    Guard guard(lock);
    const Area* entry = find(reinterpret_cast<uintptr_t>(block));
    return entry ? entry->bytes : 0;
}

bool area_was_freed(const void* block) {
    Guard guard(lock);
    return find(reinterpret_cast<uintptr_t>(block), true) != nullptr;
}

bool area_free(void* block) {
    Area area = {};
    {
        Guard guard(lock);
        Area* entry = find(reinterpret_cast<uintptr_t>(block));
        if (!entry) {
            return false;
        }
        area = *entry;
        erase(entry);
        if (keep(area, os_now_ms())) {
            return true;
        }
    }
    unmap(area);
    return true;
}

void* area_resize(void* block, size_t size) {
    const size_t bytes = whole_pages(size);
    if (bytes < size || bytes > static_cast<size_t>(PTRDIFF_MAX) - guard_bytes()) {
        return nullptr;
    }
    Guard guard(lock);
    if (!make_room()) { // before anything moves, so that nothing can fail after it
        return nullptr;
    }
    Area* entry = find(reinterpret_cast<uintptr_t>(block));
    if (!entry) {
        return nullptr;
    }
    if (entry->bytes == bytes) {
        return block;
    }
    const Area old = *entry;
    if (bytes < old.bytes) {
        // The guard moves down: first the new one, then what is behind it goes.
        char* end = static_cast<char*>(block) + bytes;
        os_guard(end, guard_bytes());
        os_unmap(end + guard_bytes(), old.bytes - bytes);
        live_bytes -= old.bytes - bytes;
        entry->bytes = bytes;
        return block;
    }
    Area moved = old;
    if (!grow(moved, bytes)) {
        return nullptr;
    }
    erase(entry);
    insert_into_room(moved);
    return reinterpret_cast<void*>(moved.address);
}

size_t area_purge(uint64_t until_ms) {
    Area gone[area_cache_entries];
    size_t count = 0;
    uint64_t oldest = UINT64_MAX;
    {
        Guard guard(lock);
        for (Cached& entry : cache) {
            if (entry.area.address == 0) {
                continue;
            }
            if (entry.since_ms <= until_ms) {
                gone[count++] = entry.area;
                cached_bytes -= entry.area.bytes;
                entry.area = {};
            } else if (entry.since_ms < oldest) {
                oldest = entry.since_ms;
            }
        }
        oldest_ms.store(oldest, std::memory_order_relaxed);
    }
    size_t bytes = 0;
    for (size_t i = 0; i < count; ++i) {
        bytes += gone[i].bytes;
        unmap(gone[i]);
    }
    return bytes;
}

uint64_t area_oldest_ms() {
    return oldest_ms.load(std::memory_order_relaxed);
}

AreaFigures area_figures() {
    Guard guard(lock);
    AreaFigures figures = {live, live_bytes, 0, cached_bytes};
    for (const Cached& entry : cache) {
        figures.cached += entry.area.address != 0;
    }
    return figures;
}

void area_visit(void (*visit)(void*, uintptr_t, size_t), void* context) {
    Guard guard(lock);
    for (size_t i = 0; i < table_size; ++i) {
        if (table[i].bytes > 0) {
            visit(context, table[i].address, table[i].bytes);
        }
    }
}

Lock& area_lock() {
    return lock;
}

} // namespace sb
