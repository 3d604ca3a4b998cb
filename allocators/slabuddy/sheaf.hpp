// Sheaves: each thread has for each class a small stack of free objects. A pop or a push is a handful of
// instructions without an atomic; everything else is out of line.
//
// Sentinels take the place of tests. A thread without a cache (new, or already past its end) uses the one
// shared empty cache: its sheaves are empty and full at once, so both paths fall out to the slow ones. So
// does class 0, to which NULL, foreign and large pointers belong, in every cache.
#pragma once

#include "allocators/slabuddy/integrity.hpp"
#include "allocators/slabuddy/owner.hpp"
#include "allocators/slabuddy/size_classes.hpp"

#include <cstddef>
#include <cstdint>

namespace sb {

struct SheafSlot {
    void** top; // the last object, or the NULL at the bottom
    void** end; // where top may not go beyond
};

struct ThreadCache {
    SheafSlot slots[class_table_size];
    ThreadCache* next; // list of all caches, under the list's lock
    ThreadCache* prev;
};

// The cache all threads share that have none; never written.
extern ThreadCache no_cache;
extern thread_local ThreadCache* thread_cache;

// Out of line: an empty sheaf, and one that is full (which every pointer of class 0 meets).
void* sheaf_miss(unsigned cls);
void sheaf_overflow(void* block, unsigned cls);
[[noreturn]] void sheaf_bad_pointer(void* block, unsigned cls);

// An object of class `cls` (not 0), or NULL.
[[gnu::always_inline]] inline void* sheaf_pop(unsigned cls) {
    SheafSlot& slot = thread_cache->slots[cls];
    void** top = slot.top;
    void* object = *top;
    if (__builtin_expect(object == nullptr, 0)) {
        return sheaf_miss(cls);
    }
    slot.top = top - 1;
    integrity_allocated(cls, object);
    return object;
}

// Any pointer whatever comes here, from free().
[[gnu::always_inline]] inline void sheaf_push(void* block) {
    const unsigned cls = owner_of(block);
    SheafSlot& slot = thread_cache->slots[cls];
    const SizeClass& size = size_classes[cls];
    void** top = slot.top;
    const uint64_t offset = reinterpret_cast<uintptr_t>(block) & size.offset_mask;
    if (__builtin_expect(offset * size.divisible >= size.divisible, 0)) {
        sheaf_bad_pointer(block, cls);
    }
    if (__builtin_expect(top == slot.end, 0)) {
        return sheaf_overflow(block, cls);
    }
    if (__builtin_expect(*top == block, 0)) {
        report_misuse(Misuse::double_free, "free", block, cls);
    }
    integrity_freed(cls, block);
    top[1] = block;
    slot.top = top + 1;
}

// Makes the calling thread's cache go back to the slabs; it will have none from now on. For the thread's end.
void thread_cache_retire();

// Flushes the calling thread's sheaves and keeps the cache. For malloc_trim and the checks at exit.
void thread_cache_flush();

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
