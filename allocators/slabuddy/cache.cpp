#include "allocators/slabuddy/cache.hpp"

#include "allocators/slabuddy/meta.hpp"
#include "allocators/slabuddy/pcp.hpp"
#include "allocators/slabuddy/redzone.hpp"
#include "allocators/slabuddy/report.hpp"
#include "allocators/slabuddy/size_classes.hpp"
#include "allocators/slabuddy/zone.hpp"

#include <bit>
#include <new>

namespace sb {
namespace {

constexpr unsigned most_empty = 1; // slabs a cache keeps for its next objects

constinit Lock list_lock;
constinit std::atomic<Cache*> caches[most_caches]; // [0] stays empty: id 0 is none
constinit MetaPool<sizeof(Cache), 64> cache_pool;

// Occupancy words, as slab.hpp has them: bit set, object free.
std::atomic<uint64_t>* words_of(PageIndex head) {
    return zone.occupancy + size_t{head} * words_per_page;
}

unsigned word_count(const Cache& cache) {
    return (unsigned{cache.objects} + 63) / 64;
}

char* object_at(const Cache& cache, PageIndex head, unsigned index) {
    return reinterpret_cast<char*>(page_address(head)) + cache.lead + size_t{index} * cache.stride;
}

bool is_poisoned(const Cache& cache) {
    return cache.debug && !cache.construct;
}

PageIndex head_of(const void* address) {
    uintptr_t page = zone_page_of(reinterpret_cast<uintptr_t>(address));
    if (page >= zone.pages.load(std::memory_order_acquire)) {
        return no_page;
    }
    for (unsigned i = 0; i < 1U << most_slab_order; ++i, --page) {
        const PageState state = zone.mem_map[page].state.load(std::memory_order_relaxed);
        if (state == PageState::cache) {
            return static_cast<PageIndex>(page);
        }
        if (state != PageState::inside || page == 0) {
            break;
        }
    }
    return no_page;
}

// A slab in no list, its objects constructed. No lock is held: a constructor may allocate.
PageIndex make_slab(const Cache& cache) {
    const PageIndex head = pcp_allocate(cache.order, PageState::cache);
    if (head == no_page) {
        return no_page;
    }
    Page& page = zone.mem_map[head];
    page.cache = cache.id;
    page.bin = 0;
    page.free_objects.store(cache.objects, std::memory_order_relaxed);
    unsigned left = cache.objects;
    for (unsigned i = 0; i < word_count(cache); ++i) {
        const unsigned here = left < 64 ? left : 64;
        words_of(head)[i].store(here == 64 ? ~uint64_t{0} : (uint64_t{1} << here) - 1,
                                std::memory_order_relaxed);
        left -= here;
    }
    if (cache.debug) {
        redzone_lead(reinterpret_cast<char*>(page_address(head)), cache.lead);
    }
    for (unsigned i = 0; i < cache.objects; ++i) {
        char* object = object_at(cache, head, i);
        if (cache.debug) {
            redzone_set(object, cache.stride, cache.bytes);
        }
        if (cache.construct) {
            cache.construct(object);
        } else if (cache.debug) {
            redzone_poison(object, cache.stride);
        }
    }
    return head;
}

bool is_free(PageIndex head, unsigned index) {
    return (words_of(head)[index / 64].load(std::memory_order_relaxed) >> index % 64 & 1) != 0;
}

// Ends the program when something was written where nobody may write.
void inspect(const Cache& cache, PageIndex head, unsigned index, const char* call) {
    if (!cache.debug) {
        return;
    }
    const char* object = object_at(cache, head, index);
    Text detail;
    if (!redzone_is_whole_below(object)) {
        report_misuse(Misuse::underflow, call, object, cache.name, detail);
    }
    const bool poisoned = is_free(head, index) && is_poisoned(cache);
    const Damage damage =
        poisoned ? redzone_look_at_poison(object, cache.stride) : redzone_look_above(object, cache.stride);
    if (damage.found) {
        detail.add(": byte ").add_number(damage.offset).add(" of ").add_number(damage.asked_bytes);
        detail.add(" is ").add_hex(damage.value);
        report_misuse(poisoned ? Misuse::written_freed : Misuse::overflow, call, object, cache.name, detail);
    }
}

// Which object of the slab begins at the address; anything else is reported.
unsigned index_of(const Cache& cache, PageIndex head, const void* object, const char* call) {
    const auto address = reinterpret_cast<uintptr_t>(object);
    const uintptr_t offset = address - page_address(head);
    const uintptr_t index = (offset - cache.lead) / cache.stride;
    if (address % 16 != 0) {
        report_misuse(Misuse::misaligned, call, object, cache.name, {});
    }
    if (offset < cache.lead || index >= cache.objects || (offset - cache.lead) % cache.stride != 0) {
        report_misuse(Misuse::interior, call, object, cache.name, {});
    }
    return static_cast<unsigned>(index);
}

// The free object with the lowest address, so that memory is used again while it is warm. In debug mode searches go
// round instead, so that an object rests before it is used again and a late write to it is seen.
unsigned find_free(Cache& cache, PageIndex head) {
    if (cache.debug) {
        unsigned index = cache.rotor % cache.objects;
        while (!is_free(head, index)) {
            index = (index + 1) % cache.objects;
        }
        cache.rotor = static_cast<uint16_t>(index + 1);
        return index;
    }
    uint8_t& word = zone.mem_map[head].bin; // no bit is set below it
    while (words_of(head)[word].load(std::memory_order_relaxed) == 0) {
        ++word;
    }
    return word * 64U +
           static_cast<unsigned>(std::countr_zero(words_of(head)[word].load(std::memory_order_relaxed)));
}

// The list a slab belongs in by its free count. Cache lock held.
PageList& list_for(Cache& cache, PageIndex head) {
    const int32_t left = zone.mem_map[head].free_objects.load(std::memory_order_relaxed);
    return left == 0 ? cache.full : (left == cache.objects ? cache.empty : cache.partial);
}

void release_slab(const Cache& cache, PageIndex head) {
    zone.mem_map[head].cache = 0;
    pcp_free(head, cache.order);
}

// Counts `change` objects in or out of the slab and puts it where it belongs. Cache lock held.
void recount(Cache& cache, PageIndex head, int32_t change) {
    PageList& before = list_for(cache, head);
    zone.mem_map[head].free_objects.fetch_add(change, std::memory_order_relaxed);
    PageList& after = list_for(cache, head);
    if (&before != &after) {
        before.remove(head);
        // In debug mode the slab that has rested longest comes first.
        cache.debug ? after.push_back(head) : after.push_front(head);
    }
}

} // namespace

Cache* cache_create(const char* name, size_t bytes, size_t align, Constructor construct, bool serves_malloc) {
    void* memory = zone_ready() ? cache_pool.take() : nullptr;
    if (!memory) {
        return nullptr;
    }
    auto* cache = new (memory) Cache{};
    const bool debug = zone.debug;
    const size_t wanted = bytes + (debug ? redzone_bytes : 0);
    cache->construct = construct;
    cache->bytes = static_cast<uint32_t>(bytes);
    cache->stride = static_cast<uint32_t>((wanted + align - 1) & ~(align - 1));
    cache->lead = static_cast<uint32_t>(debug ? align : 0);
    cache->order = static_cast<uint8_t>(slab_order_for(cache->stride));
    cache->objects = static_cast<uint16_t>(((page_bytes << cache->order) - cache->lead) / cache->stride);
    cache->debug = debug;
    cache->serves_malloc = serves_malloc;
    for (size_t i = 0; i + 1 < sizeof cache->name && name[i]; ++i) {
        cache->name[i] = name[i];
    }
    Guard guard(list_lock);
    for (unsigned id = 1; id < most_caches; ++id) {
        if (!caches[id].load(std::memory_order_relaxed)) {
            cache->id = static_cast<uint16_t>(id);
            caches[id].store(cache, std::memory_order_release);
            return cache;
        }
    }
    cache_pool.give(cache);
    return nullptr;
}

bool cache_destroy(Cache* cache) {
    {
        Guard guard(list_lock);
        Guard cache_guard(cache->lock);
        if (cache->in_use > 0) {
            return false;
        }
        caches[cache->id].store(nullptr, std::memory_order_relaxed);
    }
    cache_shrink(cache);
    cache_pool.give(cache);
    return true;
}

void* cache_allocate(Cache* cache, size_t bytes) {
    PageIndex head = no_page;
    bool made = false;
    for (;;) {
        {
            Guard guard(cache->lock);
            if (made) {
                cache->empty.push_front(head);
            }
            head = cache->partial.first() != no_page ? cache->partial.first() : cache->empty.first();
            if (head != no_page) {
                const unsigned index = find_free(*cache, head);
                inspect(*cache, head, index, "malloc");
                words_of(head)[index / 64].fetch_and(~(uint64_t{1} << index % 64), std::memory_order_relaxed);
                recount(*cache, head, -1);
                ++cache->in_use;
                ++cache->allocations;
                char* object = object_at(*cache, head, index);
                if (cache->debug) {
                    redzone_set(object, cache->stride, bytes);
                }
                return object;
            }
        }
        head = make_slab(*cache);
        if (head == no_page) {
            return nullptr;
        }
        made = true;
    }
}

Cache* cache_of(const void* address) {
    const PageIndex head = head_of(address);
    return head == no_page ? nullptr : caches[zone.mem_map[head].cache].load(std::memory_order_acquire);
}

void cache_free(Cache* cache, void* object, const char* call) {
    const PageIndex head = head_of(object);
    PageIndex surplus = no_page;
    {
        Guard guard(cache->lock);
        if (head == no_page) {
            report_misuse(Misuse::foreign, call, object, cache->name, {});
        }
        if (zone.mem_map[head].cache != cache->id) {
            report_misuse(Misuse::wrong_cache, call, object, cache->name, {});
        }
        const unsigned index = index_of(*cache, head, object, call);
        if (is_free(head, index)) {
            report_misuse(Misuse::double_free, call, object, cache->name, {});
        }
        inspect(*cache, head, index, call);
        if (is_poisoned(*cache)) {
            redzone_poison(static_cast<char*>(object), cache->stride);
        }
        words_of(head)[index / 64].fetch_or(uint64_t{1} << index % 64, std::memory_order_relaxed);
        recount(*cache, head, 1);
        if (index / 64 < zone.mem_map[head].bin) {
            zone.mem_map[head].bin = static_cast<uint8_t>(index / 64);
        }
        --cache->in_use;
        if (cache->empty.size > most_empty) {
            surplus = cache->empty.last();
            for (unsigned i = 0; i < cache->objects; ++i) {
                inspect(*cache, surplus, i, call);
            }
            cache->empty.remove(surplus);
        }
    }
    if (surplus != no_page) {
        release_slab(*cache, surplus);
    }
}

size_t cache_usable_size(Cache* cache, const void* object, const char* call) {
    const PageIndex head = head_of(object);
    Guard guard(cache->lock);
    const unsigned index = index_of(*cache, head, object, call);
    if (is_free(head, index)) {
        report_misuse(Misuse::use_after_free, call, object, cache->name, {});
    }
    inspect(*cache, head, index, call);
    return cache->debug ? redzone_asked_bytes(object, cache->stride) : cache->bytes;
}

uint32_t cache_shrink(Cache* cache) {
    uint32_t pages = 0;
    Guard guard(cache->lock);
    while (cache->empty.first() != no_page) {
        const PageIndex head = cache->empty.first();
        for (unsigned i = 0; i < cache->objects; ++i) {
            inspect(*cache, head, i, "shrink");
        }
        cache->empty.remove(head);
        release_slab(*cache, head);
        pages += uint32_t{1} << cache->order;
    }
    return pages;
}

uint32_t caches_shrink() {
    uint32_t pages = 0;
    cache_visit([](void* context, Cache& cache) { *static_cast<uint32_t*>(context) += cache_shrink(&cache); },
                &pages);
    return pages;
}

namespace {

const char* check_one(Cache& cache) {
    Guard guard(cache.lock);
    uint64_t in_use = 0;
    for (const PageList* list : {&cache.partial, &cache.full, &cache.empty}) {
        for (PageIndex head = list->first(); head != no_page; head = zone.mem_map[head].next) {
            const Page& page = zone.mem_map[head];
            if (page.state.load() != PageState::cache || page.cache != cache.id) {
                return "cache: a list holds a page that is not its own";
            }
            int32_t bits = 0;
            for (unsigned i = 0; i < word_count(cache); ++i) {
                bits += std::popcount(words_of(head)[i].load());
            }
            if (bits != page.free_objects.load()) {
                return "cache: the free count is not the number of bits";
            }
            if (&list_for(cache, head) != list) {
                return "cache: a slab is in the wrong list";
            }
            in_use += static_cast<uint64_t>(cache.objects - bits);
            for (unsigned i = 0; i < cache.objects; ++i) {
                inspect(cache, head, i, "check");
            }
        }
    }
    return in_use == cache.in_use ? nullptr : "cache: objects are missing";
}

} // namespace

const char* cache_check() {
    const char* broken = nullptr;
    cache_visit(
        [](void* context, Cache& cache) {
            auto& first = *static_cast<const char**>(context);
            first = first ? first : check_one(cache);
        },
        static_cast<void*>(&broken));
    return broken;
}

void cache_visit(void (*visit)(void*, Cache&), void* context) {
    Guard guard(list_lock);
    for (auto& entry : caches) {
        if (Cache* cache = entry.load(std::memory_order_relaxed)) {
            visit(context, *cache);
        }
    }
}

CachesFigures caches_figures() {
    CachesFigures figures = {};
    cache_visit(
        [](void* context, Cache& cache) {
            auto& sum = *static_cast<CachesFigures*>(context);
            Guard guard(cache.lock);
            const uint64_t slabs = cache.partial.size + cache.full.size + cache.empty.size;
            sum.pages += slabs << cache.order;
            sum.live_bytes += cache.in_use * cache.stride;
        },
        &figures);
    return figures;
}

void cache_each_lock(void (*action)(Lock&, void*), void* context) {
    action(list_lock, context);
    for (auto& entry : caches) {
        if (Cache* cache = entry.load(std::memory_order_relaxed)) {
            action(cache->lock, context);
        }
    }
    action(cache_pool.lock(), context);
}

} // namespace sb
