// Sheaves: each thread has for each class a small stack of free objects. A pop or a push is a handful of
// instructions without an atomic; everything else is out of line.
//
// Sentinels take the place of tests. A thread without a cache (new, or already past its end) uses the one
// shared empty cache: its sheaves are empty and full at once, so both paths fall out to the slow ones. So
// does class 0, to which NULL, foreign and large pointers belong, in every cache.
//
// A free object carries a mark in its second word, from the free until malloc() takes it out again. A block that comes
// with the mark has probably been freed before: the slow path then looks where it is. The mark is a hint and nothing more:
// whatever a program writes there, no layer believes it.
#pragma once

#include "allocators/slabuddy/integrity.hpp"
#include "allocators/slabuddy/owner.hpp"
#include "allocators/slabuddy/size_classes.hpp"

#include <cstddef>
#include <cstdint>

namespace sb {

// What a pop and a push need, in half a cache line; the last two are copies from the size class.
struct SheafSlot {
    void** top;         // the last object, or the NULL at the bottom
    void** end;         // where top may not go beyond
    uint64_t divisible; // see divisible_with(); with a cache, the mark too
    uint64_t offset_mask;
};
static_assert(sizeof(SheafSlot) == owner_unit);

struct ThreadCache {
    SheafSlot slots[class_table_size];
    PageIndex large[large_kept_pages + 1]; // by how many pages: a free large block, or no_page (large.hpp)
    uint32_t large_pages;                  // of all of them
    uint32_t large_pages_seen;             // when thread_cache_flush_idle() looked last
    uint8_t seen[class_table_size];        // objects in each sheaf then
    ThreadCache* next;                     // list of all caches, under the list's lock
    ThreadCache* prev;
};

// The cache all threads share that have none; never written.
extern constinit ThreadCache no_cache;
// constinit here too: a reader then needs no call to see whether it must be initialised first.
extern constinit thread_local ThreadCache* thread_cache;

// Out of line: an empty sheaf (NULL with errno when there is no memory), and one that is full, which every
// pointer of class 0 meets.
void* sheaf_miss(size_t size);
void* sheaf_miss_class(unsigned cls);
void sheaf_overflow(void* block, SheafSlot& slot);
// Reports and aborts. Not marked so: as a tail call it costs the fast path no stack frame.
void sheaf_bad_pointer(void* block);
// Frees a block that carries the mark: reports it when it is free already.
void sheaf_marked(void* block);

// The mark is in a word of the type that a sheaf's own are: so the compiler lets no other access pass it.
inline void*& mark_of(void* object) {
    return static_cast<void**>(object)[1];
}

// True when the object may be free: worth a search.
inline bool sheaf_has_mark(unsigned cls, const void* object) {
    return reinterpret_cast<uintptr_t>(mark_of(const_cast<void*>(object))) ==
           thread_cache->slots[cls].divisible;
}

// An object of class `cls` (not 0), or NULL with errno.
inline void* sheaf_pop(unsigned cls) {
    SheafSlot& slot = thread_cache->slots[cls];
    void* object = *slot.top;
    if (__builtin_expect(object == nullptr, 0)) {
        return sheaf_miss_class(cls);
    }
    --slot.top;
    integrity_allocated(cls, object);
    mark_of(object) = nullptr;
    return object;
}

// Where in a cache the slot of each size's class stands, in bytes: spares malloc a multiplication.
constexpr std::array<uint16_t, class_of_sixteenths.size()> make_slot_offsets() {
    std::array<uint16_t, class_of_sixteenths.size()> table = {};
    for (size_t i = 0; i < table.size(); ++i) {
        table[i] = static_cast<uint16_t>(class_of_sixteenths[i] * sizeof(SheafSlot));
    }
    return table;
}
inline constexpr auto slot_offsets = make_slot_offsets();
static_assert(offsetof(ThreadCache, slots) == 0);

// An object of at least `size` bytes, or NULL with errno. Precondition: size <= most_slab_object_bytes.
[[gnu::always_inline]] inline void* sheaf_pop_size(size_t size) {
    const size_t offset = slot_offsets[(size + 15) / 16];
    auto& slot = *reinterpret_cast<SheafSlot*>(reinterpret_cast<char*>(thread_cache) + offset);
    void* object = *slot.top;
    if (__builtin_expect(object == nullptr, 0)) {
        return sheaf_miss(size);
    }
    if constexpr (checked) {
        --slot.top; // first: at any instruction another thread may fork, and its child adopts what a sheaf holds
        integrity_allocated(class_of(size), object);
        mark_of(object) = nullptr;
    } else {
        // A child of a fork in between finds a free object without mark, which is fine.
        mark_of(object) = nullptr;
        --slot.top;
    }
    return object;
}

// Any pointer whatever comes here, from free().
[[gnu::always_inline]] inline void sheaf_push(void* block) {
    const size_t at = owner_times_unit(block);
    auto& slot = *reinterpret_cast<SheafSlot*>(reinterpret_cast<char*>(thread_cache) + at);
    void** top = slot.top;
    const uint64_t offset = reinterpret_cast<uintptr_t>(block) & slot.offset_mask;
    if (__builtin_expect(offset * slot.divisible >= slot.divisible, 0)) {
        return sheaf_bad_pointer(block);
    }
    if (__builtin_expect(top == slot.end, 0)) {
        return sheaf_overflow(block, slot);
    }
    const auto mark = reinterpret_cast<void*>(slot.divisible);
    if (__builtin_expect(mark_of(block) == mark, 0)) {
        return sheaf_marked(block);
    }
    integrity_freed(static_cast<unsigned>(at / owner_unit), block);
    mark_of(block) = mark;
    top[1] = block;
    ++slot.top; // from memory once more: one instruction
}

// True when the object is free: in its slab, a barn or any thread's sheaf. Exact while nobody moves it just now; it looks
// everywhere, so it is for what has the mark.
bool sheaf_object_is_free(unsigned cls, const void* object);

// Gives the calling thread a cache if it has none yet and may have one.
void thread_cache_make();

// Makes the calling thread's cache go back to the slabs; it will have none from now on. For the thread's end.
void thread_cache_retire();

// Flushes the calling thread's sheaves and keeps the cache. For malloc_trim and the checks at exit.
void thread_cache_flush();

// Flushes those of the calling thread's sheaves that hold as many objects as at the last call, for they are hardly used.
void thread_cache_flush_idle();

// Registers the hook that retires a thread's cache at its end. Once, at load.
void thread_cache_start();

// In the child of a fork: the caches of threads that are not there go back to the slabs.
void thread_caches_adopt();

struct CacheFigures {
    uint64_t caches;
    uint64_t objects; // in all sheaves; other threads' are read while they run, so this is an estimate
    uint64_t bytes;
};
CacheFigures thread_cache_figures();

Lock& thread_list_lock(); // for fork
Lock& thread_cache_pool_lock();

} // namespace sb
