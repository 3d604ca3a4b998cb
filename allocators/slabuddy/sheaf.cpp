#include "allocators/slabuddy/sheaf.hpp"

#include "allocators/slabuddy/barn.hpp"
#include "allocators/slabuddy/buddy.hpp"
#include "allocators/slabuddy/debug.hpp"
#include "allocators/slabuddy/heap.hpp"
#include "allocators/slabuddy/meta.hpp"
#include "allocators/slabuddy/os.hpp"
#include "allocators/slabuddy/purge.hpp"
#include "allocators/slabuddy/shard.hpp"
#include "allocators/slabuddy/slab.hpp"

#include <cstring>
#include <pthread.h>

namespace sb {
namespace {

// The bottom of no sheaf: a pop reads NULL, a push finds it full.
constinit void* no_objects[1] = {nullptr};

constexpr ThreadCache make_no_cache() {
    ThreadCache cache = {};
    for (unsigned cls = 0; cls < class_table_size; ++cls) {
        cache.slots[cls] = {no_objects, no_objects, size_classes[cls].divisible,
                            size_classes[cls].offset_mask};
    }
    for (PageIndex& page : cache.large) {
        page = no_page;
    }
    cache.large_pages = large_kept_pages; // as if full
    return cache;
}

constinit Lock list_lock;
ThreadCache* first_cache = nullptr;
constinit MetaPool<sizeof(ThreadCache), 64> cache_pool;

pthread_key_t exit_key;
std::atomic<bool> exit_key_made{false};

// This thread has run its exit hook: later frees, of other TLS destructors and of libc, must not bring a
// cache back.
thread_local bool retired = false;

// The same for all threads, and unlike what programs write: the zone's noise mixed by the finaliser of splitmix64.
uint64_t mark_for(unsigned cls) {
    uint64_t random = zone.noise + cls * 0x9e3779b97f4a7c15;
    random = (random ^ random >> 30) * 0xbf58476d1ce4e5b9;
    random = (random ^ random >> 27) * 0x94d049bb133111eb;
    return divisible_with(size_classes[cls], random ^ random >> 31);
}

bool has_sheaf(const SheafSlot& slot) {
    return slot.top != no_objects;
}

Sheaf* sheaf_of(const SheafSlot& slot) {
    return reinterpret_cast<Sheaf*>(reinterpret_cast<uintptr_t>(slot.top) & ~uintptr_t{sizeof(Sheaf) - 1});
}

uint32_t objects_in(const SheafSlot& slot) {
    return has_sheaf(slot) ? static_cast<uint32_t>(slot.top - sheaf_of(slot)->slots) : 0;
}

ThreadCache* cache_of_this_thread() {
    ThreadCache* cache = thread_cache;
    if (cache != &no_cache) {
        return cache;
    }
    if (retired || !zone_ready()) { // marks depend on the zone's noise
        return nullptr;
    }
    cache = static_cast<ThreadCache*>(cache_pool.take());
    if (!cache) {
        return nullptr;
    }
    memcpy(cache, &no_cache, sizeof *cache);
    for (unsigned cls = 1; cls < class_table_size; ++cls) {
        cache->slots[cls].divisible = mark_for(cls);
    }
    cache->large_pages = 0;
    {
        Guard guard(list_lock);
        cache->prev = nullptr;
        cache->next = first_cache;
        if (first_cache) {
            first_cache->prev = cache;
        }
        first_cache = cache;
    }
    shard_threads_changed(1);
    thread_cache = cache; // before pthread_setspecific, which may allocate
    if (exit_key_made.load(std::memory_order_acquire)) {
        pthread_setspecific(exit_key, cache);
    }
    return cache;
}

// Makes sure that the class has a sheaf, or one with more room than so far. False when neither can be.
bool widen(SheafSlot& slot, unsigned cls) {
    const unsigned most = size_classes[cls].capacity;
    if (!has_sheaf(slot)) {
        Sheaf* sheaf = sheaf_allocate();
        if (!sheaf) {
            return false;
        }
        sheaf->slots[0] = nullptr;
        const unsigned capacity = most < sheaf_first_capacity ? most : sheaf_first_capacity;
        slot.top = sheaf->slots;
        slot.end = sheaf->slots + capacity;
        return true;
    }
    void** bottom = sheaf_of(slot)->slots;
    const auto capacity = static_cast<unsigned>(slot.end - bottom);
    if (capacity >= most) {
        return false;
    }
    slot.end = bottom + (capacity * 2 < most ? capacity * 2 : most);
    return true;
}

// Half as much room in an empty sheaf, for the next objects to be fewer.
void narrow(SheafSlot& slot) {
    void** bottom = sheaf_of(slot)->slots;
    const auto capacity = static_cast<unsigned>(slot.end - bottom);
    if (capacity / 2 >= sheaf_first_capacity) {
        slot.end = bottom + capacity / 2;
    }
}

void flush_slot(SheafSlot& slot, unsigned cls, bool forgiving) {
    if (const uint32_t count = objects_in(slot)) {
        void** bottom = sheaf_of(slot)->slots;
        slot.top = bottom;
        slab_flush(cls, bottom + 1, count, "free", forgiving);
    }
}

void flush_large(ThreadCache& cache) {
    for (uint32_t pages = 1; pages <= large_kept_pages; ++pages) {
        if (const PageIndex page = cache.large[pages]; page != no_page) {
            cache.large[pages] = no_page;
            cache.large_pages -= pages;
            buddy_free(page, pages, true);
        }
    }
}

void release_cache(ThreadCache* cache, bool forgiving) {
    for (unsigned cls = 1; cls < class_table_size; ++cls) {
        SheafSlot& slot = cache->slots[cls];
        if (has_sheaf(slot)) {
            flush_slot(slot, cls, forgiving);
            sheaf_release(sheaf_of(slot));
        }
    }
    flush_large(*cache);
    cache_pool.give(cache);
    shard_threads_changed(-1);
}

void unlink(ThreadCache* cache) {
    (cache->prev ? cache->prev->next : first_cache) = cache->next;
    if (cache->next) {
        cache->next->prev = cache->prev;
    }
}

void retire_hook(void* /*cache*/) {
    thread_cache_retire();
}

} // namespace

constinit ThreadCache no_cache = make_no_cache();
constinit thread_local ThreadCache* thread_cache = &no_cache;

namespace {

// One object straight from a slab, for a thread that has no cache or no sheaf.
void* take_one(unsigned cls) {
    void* object = nullptr;
    if (slab_refill(cls, &object, 1) == 0) {
        return no_memory();
    }
    integrity_allocated(cls, object);
    mark_of(object) = nullptr;
    return object;
}

// A slot without sheaf: what it is while its sheaf is being swapped, for a child of fork() adopts what the slots of
// other threads hold, and by then the sheaf may be another's.
constexpr SheafSlot without_sheaf(const SheafSlot& slot) {
    return {no_objects, no_objects, slot.divisible, slot.offset_mask};
}

void fill(SheafSlot& slot, Sheaf* sheaf, uint32_t count, uint32_t capacity) {
    sheaf->slots[0] = nullptr;
    slot.end = sheaf->slots + capacity;
    slot.top = sheaf->slots + count;
}

// Empties a full sheaf in whole or in part.
void make_room(SheafSlot& slot, unsigned cls) {
    Sheaf* full = sheaf_of(slot);
    const SheafSlot before = slot;
    const uint32_t count = objects_in(slot);
    slot = without_sheaf(before);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (Sheaf* empty = barn_put(cls, full, count)) {
        fill(slot, empty, 0, static_cast<uint32_t>(before.end - full->slots));
        return;
    }
    slot = before;
    // The barn is full: the older half goes back to its slabs.
    void* older[sheaf_slots];
    const uint32_t half = (count + 1) / 2;
    memcpy(older, full->slots + 1, half * sizeof(void*));
    memmove(full->slots + 1, full->slots + 1 + half, (count - half) * sizeof(void*));
    slot.top -= half;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    slab_flush(cls, older, half, "free");
    purge_poll();
}

// Swaps the slot's empty sheaf for a full one of a barn.
bool take_full(SheafSlot& slot, unsigned cls, Reach reach) {
    Sheaf* empty = sheaf_of(slot);
    const SheafSlot before = slot;
    const auto capacity = static_cast<uint32_t>(slot.end - empty->slots);
    slot = without_sheaf(before);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    uint32_t count = 0;
    Sheaf* full = barn_take(cls, empty, count, reach);
    if (!full) {
        slot = before;
        return false;
    }
    fill(slot, full, count, count > capacity ? count : capacity);
    return true;
}

} // namespace

[[gnu::noinline]] void* sheaf_miss(size_t size) {
    if (debug_mode()) {
        return allocate_large(size, 16, false);
    }
    return sheaf_miss_class(class_of(size));
}

void* sheaf_miss_class(unsigned cls) {
    ThreadCache* cache = cache_of_this_thread();
    if (!cache) {
        return take_one(cls);
    }
    SheafSlot& slot = cache->slots[cls];
    if (!widen(slot, cls) && !has_sheaf(slot)) {
        return take_one(cls);
    }
    // What is at hand first: full sheaves, then slabs, of this processor; only then the neighbours', and new ones.
    uint32_t count = 0;
    for (const Reach reach : {Reach::home, Reach::everywhere}) {
        if (take_full(slot, cls, reach)) {
            break;
        }
        void** bottom = sheaf_of(slot)->slots;
        const auto capacity = static_cast<uint32_t>(slot.end - bottom);
        count =
            slab_refill(cls, bottom + 1, (capacity + 1) / 2, reach); // half: the frees that follow find room
        if (count > 0) {
            slot.top = bottom + count;
            break;
        }
    }
    if (*slot.top == nullptr) {
        return no_memory();
    }
    void* object = *slot.top--;
    if (count > 0) {
        purge_on_growth();
    }
    integrity_allocated(cls, object);
    mark_of(object) = nullptr;
    return object;
}

namespace {

bool holds(const SheafSlot& slot, const void* object) {
    void** top = __atomic_load_n(&slot.top, __ATOMIC_ACQUIRE); // another thread's may move meanwhile
    if (top == no_objects) {
        return false;
    }
    const void* const* bottom =
        reinterpret_cast<Sheaf*>(reinterpret_cast<uintptr_t>(top) & ~uintptr_t{sizeof(Sheaf) - 1})->slots;
    for (const void* const* at = top; at > bottom; --at) {
        if (*at == object) {
            return true;
        }
    }
    return false;
}

bool some_sheaf_holds(unsigned cls, const void* object) {
    Guard guard(list_lock);
    for (const ThreadCache* cache = first_cache; cache; cache = cache->next) {
        if (holds(cache->slots[cls], object)) {
            return true;
        }
    }
    return false;
}

// Objects move from sheaves to barns to slabs, and may be on their way: so it is looked for more than once.
void expect_not_free(unsigned cls, const void* block) {
    constexpr unsigned looks = 3;
    for (unsigned i = 0; i < looks; ++i) {
        if (sheaf_object_is_free(cls, block)) {
            report_misuse(Misuse::double_free, "free", block, cls);
        }
        os_yield();
    }
}

[[gnu::noinline]] void push_slowly(void* block, unsigned cls) {
    ThreadCache* cache = cache_of_this_thread();
    const auto mark = reinterpret_cast<void*>(mark_for(cls));
    if (mark_of(block) == mark) {
        expect_not_free(cls, block);
    }
    mark_of(block) = mark;
    if (cache) {
        SheafSlot& slot = cache->slots[cls];
        if (!widen(slot, cls) && has_sheaf(slot)) {
            make_room(slot, cls);
        }
        if (has_sheaf(slot)) {
            integrity_freed(cls, block);
            *++slot.top = block;
            return;
        }
    }
    integrity_freed(cls, block);
    slab_flush(cls, &block, 1, "free");
}

} // namespace

// Large blocks come this way too, so the two part before either needs a stack frame.
[[gnu::noinline]] void sheaf_overflow(void* block, SheafSlot& met) {
    ThreadCache& cache = *thread_cache;
    if (&met == cache.slots) {
        return release_other(block);
    }
    push_slowly(block, static_cast<unsigned>(&met - cache.slots));
}

[[gnu::cold, gnu::noinline]] void sheaf_bad_pointer(void* block) {
    const auto cls = static_cast<unsigned>(owner_of(block));
    const auto address = reinterpret_cast<uintptr_t>(block);
    report_misuse(address % 16 != 0 ? Misuse::misaligned : Misuse::interior, "free", block, cls);
}

[[gnu::cold, gnu::noinline]] void sheaf_marked(void* block) {
    expect_not_free(static_cast<unsigned>(owner_of(block)), block);
    mark_of(block) = nullptr; // the program wrote these very bits
    sheaf_push(block);
}

bool sheaf_object_is_free(unsigned cls, const void* object) {
    return slab_look_up(cls, object) != SlabObject::none &&
           (holds(thread_cache->slots[cls], object) || some_sheaf_holds(cls, object) ||
            barn_holds(cls, object) || slab_holds(cls, object));
}

void thread_cache_make() {
    cache_of_this_thread();
}

void thread_cache_retire() {
    ThreadCache* cache = thread_cache;
    retired = true;
    if (cache == &no_cache) {
        return;
    }
    thread_cache = &no_cache;
    {
        Guard guard(list_lock);
        unlink(cache);
    }
    release_cache(cache, false);
}

void thread_cache_flush() {
    ThreadCache* cache = thread_cache;
    for (unsigned cls = 1; cls < class_table_size; ++cls) {
        flush_slot(cache->slots[cls], cls, false);
    }
    flush_large(*cache);
}

void thread_cache_flush_idle() {
    ThreadCache* cache = thread_cache;
    if (cache == &no_cache) {
        return;
    }
    for (unsigned cls = 1; cls < class_table_size; ++cls) {
        SheafSlot& slot = cache->slots[cls];
        const uint32_t count = objects_in(slot);
        if (count > 0 && count == cache->seen[cls]) {
            flush_slot(slot, cls, false);
            narrow(slot);
        }
        cache->seen[cls] = static_cast<uint8_t>(objects_in(slot));
    }
    if (cache->large_pages == cache->large_pages_seen) {
        flush_large(*cache);
    }
    cache->large_pages_seen = cache->large_pages;
}

void thread_cache_start() {
    if (pthread_key_create(&exit_key, retire_hook) == 0) {
        exit_key_made.store(true, std::memory_order_release);
        if (thread_cache != &no_cache) {
            pthread_setspecific(exit_key, thread_cache);
        }
    }
}

void thread_caches_adopt() {
    ThreadCache* others = nullptr;
    for (ThreadCache* cache = first_cache; cache;) {
        ThreadCache* following = cache->next;
        if (cache != thread_cache) {
            unlink(cache);
            cache->next = others;
            others = cache;
        }
        cache = following;
    }
    while (others) {
        ThreadCache* following = others->next;
        release_cache(others, true);
        others = following;
    }
}

CacheFigures thread_cache_figures() {
    CacheFigures figures = {};
    Guard guard(list_lock);
    for (const ThreadCache* cache = first_cache; cache; cache = cache->next) {
        ++figures.caches;
        for (unsigned cls = 1; cls < class_table_size; ++cls) {
            const uint32_t here = objects_in(cache->slots[cls]);
            figures.objects += here;
            figures.bytes += uint64_t{here} * size_classes[cls].bytes;
        }
    }
    return figures;
}

Lock& thread_list_lock() {
    return list_lock;
}

Lock& thread_cache_pool_lock() {
    return cache_pool.lock();
}

} // namespace sb
