#include "allocators/slabuddy/slab.hpp"

#include "allocators/slabuddy/buddy.hpp"
#include "allocators/slabuddy/owner.hpp"
#include "allocators/slabuddy/pcp.hpp"
#include "allocators/slabuddy/report.hpp"
#include "allocators/slabuddy/slab_lists.hpp"
#include "allocators/slabuddy/slab_punch.hpp"

namespace sb {

constinit Class classes[most_shards][class_table_size];

namespace {

// Bytes that came back by threads of each shard, since slab_has_shrunk().
struct alignas(64) Returned {
    std::atomic<size_t> bytes{0};
};
constinit Returned returned_in[most_shards];

// How many slabs with room a shard keeps when its neighbours have none: the one in use and another.
constexpr uint32_t slabs_not_stolen = 2;

PageIndex head_of(const SizeClass& size, uintptr_t address) {
    return static_cast<PageIndex>(zone_page_of(address & ~uintptr_t{size.offset_mask}));
}

// A fresh slab, in no list. Class lock held: it orders the slab's fields for settle().
PageIndex make_slab(unsigned shard, unsigned cls) {
    const SizeClass& size = size_classes[cls];
    const PageIndex page = pcp_allocate(size.order, PageState::slab);
    if (page == no_page) {
        return no_page;
    }
    Page& head = zone.mem_map[page];
    head.bin = bin_none;
    head.punched = 0;
    head.looked_at = 0;
    head.home.store(static_cast<uint8_t>(shard), std::memory_order_relaxed);
    head.free_objects.store(size.objects, std::memory_order_relaxed);
    std::atomic<uint64_t>* words = words_of(page);
    unsigned left = size.objects;
    for (unsigned i = 0; i < size.words; ++i) {
        const unsigned here = left < 64 ? left : 64;
        words[i].store(here == 64 ? ~uint64_t{0} : (uint64_t{1} << here) - 1, std::memory_order_relaxed);
        left -= here;
    }
    head.cls.store(static_cast<uint8_t>(cls), std::memory_order_release); // after home: see settle()
    owner_set(page, uint32_t{1} << size.order, cls);
    ++classes[shard][cls].slabs;
    return page;
}

// The slab is empty and in no list. Class lock held.
void destroy_slab(PageIndex page, Class& owner, unsigned cls) {
    const SizeClass& size = size_classes[cls];
    owner_set(page, uint32_t{1} << size.order, 0);
    zone.mem_map[page].cls.store(0, std::memory_order_relaxed);
    owner.punched -= zone.mem_map[page].punched;
    zone.mem_map[page].punched = 0;
    --owner.slabs;
    pcp_free(page, size.order);
}

// Puts the slab into the list its free count asks for. `owner`'s lock held, and it is at home there.
void settle_at_home(PageIndex page, Class& owner, unsigned cls) {
    Page& head = zone.mem_map[page];
    const uint8_t bin = bin_for(size_classes[cls], head.free_objects.load(std::memory_order_acquire));
    if (bin == head.bin) {
        return;
    }
    if (head.bin != bin_none) {
        owner.bins[head.bin].remove(page);
    }
    head.bin = bin;
    if (bin == bin_empty &&
        (owner.bins[bin_empty].size >= most_empty_slabs || owner.slabs < slabs_with_an_empty)) {
        head.bin = bin_none;
        destroy_slab(page, owner, cls);
    } else if (bin != bin_none) {
        owner.bins[bin].push_front(page);
    }
}

// Moves up to `wanted` objects out of the slab.
unsigned take_objects(PageIndex page, unsigned cls, void** objects, unsigned wanted, const void*& twice) {
    const SizeClass& size = size_classes[cls];
    std::atomic<uint64_t>* words = words_of(page);
    const uintptr_t base = page_address(page);
    unsigned taken = 0;
    for (unsigned i = 0; i < size.words && taken < wanted; ++i) {
        if (words[i].load(std::memory_order_relaxed) == 0) {
            continue;
        }
        uint64_t bits = words[i].exchange(0, std::memory_order_acquire);
        for (; bits && taken < wanted; bits &= bits - 1) {
            const unsigned index = i * 64 + static_cast<unsigned>(std::countr_zero(bits));
            objects[taken++] = reinterpret_cast<void*>(base + uintptr_t{index} * size.bytes);
        }
        if (bits) {
            put_back(page, cls, i, bits, twice);
        }
    }
    zone.mem_map[page].free_objects.fetch_sub(static_cast<int32_t>(taken), std::memory_order_relaxed);
    return taken;
}

// After objects came back: into another list only when the count crossed into it.
void note_freed(PageIndex page, unsigned cls, unsigned count) {
    const SizeClass& size = size_classes[cls];
    const int32_t before =
        zone.mem_map[page].free_objects.fetch_add(static_cast<int32_t>(count), std::memory_order_acq_rel);
    if (bin_for(size, before) != bin_for(size, before + static_cast<int32_t>(count))) {
        slab_settle(page, cls);
    }
}

// The fullest slab with room, or no_page. Its lock held.
PageIndex first_partial(const Class& owner) {
    for (unsigned bin = bin_quarter; bin < bin_count; ++bin) {
        if (owner.bins[bin].first() != no_page) {
            return owner.bins[bin].first();
        }
    }
    return no_page;
}

// Moves a slab with much room here from a shard that has more than it needs, or with `any` from one that has one at all.
// The lock of `shard` is held; others are only tried, since their rank forbids to wait.
PageIndex steal_slab(unsigned shard, unsigned cls, bool any) {
    const unsigned shards = shard_count();
    for (unsigned i = 1; i < shards; ++i) {
        Class& victim = classes[(shard + i) % shards][cls];
        if (!victim.lock.try_lock()) {
            continue;
        }
        PageIndex page = no_page;
        uint32_t roomy = 0;
        for (unsigned bin = bin_count - 1; bin >= bin_quarter; --bin) {
            if (page == no_page && (bin >= bin_half || any)) {
                page = victim.bins[bin].first();
            }
            roomy += bin >= bin_half ? victim.bins[bin].size : 0;
        }
        if (page != no_page && (any || roomy >= slabs_not_stolen)) {
            Page& head = zone.mem_map[page];
            victim.bins[head.bin].remove(page);
            head.bin = bin_none;
            head.home.store(static_cast<uint8_t>(shard), std::memory_order_relaxed);
            --victim.slabs;
            victim.punched -= head.punched;
            ++classes[shard][cls].slabs;
            classes[shard][cls].punched += head.punched;
        } else {
            page = no_page;
        }
        victim.lock.unlock();
        if (page != no_page) {
            return page;
        }
    }
    return no_page;
}

} // namespace

// The same from anywhere, with no lock held. The page may meanwhile have moved to another home, or have become something
// else (another flusher emptied it and its pages went back): then whatever it is now is as well settled again.
void slab_settle(PageIndex page, unsigned cls) {
    Page& head = zone.mem_map[page];
    for (;;) {
        const unsigned home = head.home.load(std::memory_order_relaxed);
        Class& owner = classes[home][cls];
        Guard guard(owner.lock);
        if (head.cls.load(std::memory_order_acquire) != cls ||
            head.state.load(std::memory_order_relaxed) != PageState::slab) {
            return;
        }
        if (head.home.load(std::memory_order_relaxed) == home) {
            return settle_at_home(page, owner, cls);
        }
    }
}

void report_bad_object(const char* call, unsigned cls, const void* object) {
    const auto address = reinterpret_cast<uintptr_t>(object);
    const SizeClass& size = size_classes[cls];
    const uint64_t offset = address & size.offset_mask;
    const uint64_t index = offset * size.reciprocal >> 40;
    Misuse what = Misuse::double_free;
    if (address % 16 != 0) {
        what = Misuse::misaligned;
    } else if (index * size.bytes != offset) {
        what = Misuse::interior;
    } else if (index >= size.objects) {
        what = Misuse::foreign;
    }
    report_misuse(what, call, object, cls);
}

unsigned slab_refill(unsigned cls, void** objects, unsigned wanted, Reach reach) {
    const unsigned shard = shard_of_this_cpu();
    Class& owner = classes[shard][cls];
    unsigned taken = 0;
    const void* twice = nullptr;
    owner.lock.lock();
    while (taken < wanted) {
        PageIndex page = first_partial(owner);
        if (page == no_page && taken == 0 && reach == Reach::everywhere) {
            page = steal_slab(shard, cls, false);
            page = page == no_page ? make_slab(shard, cls) : page;
            page = page == no_page ? steal_slab(shard, cls, true) : page;
        }
        if (page == no_page) {
            break;
        }
        taken += take_objects(page, cls, objects + taken, wanted - taken, twice);
        slab_punch_note_taken(page, owner, size_classes[cls]);
        settle_at_home(page, owner, cls);
    }
    owner.refills += taken;
    owner.lock.unlock();
    if (__builtin_expect(twice != nullptr, 0)) {
        report_bad_object("free", cls, twice);
    }
    // The sheaf is popped from its end: the lowest addresses first, one after the other.
    for (unsigned i = 0; i < taken / 2; ++i) {
        void* swapped = objects[i];
        objects[i] = objects[taken - 1 - i];
        objects[taken - 1 - i] = swapped;
    }
    return taken;
}

void slab_flush(unsigned cls, void** objects, unsigned count, const char* call, bool forgiving) {
    const SizeClass& size = size_classes[cls];
    unsigned given = 0;
    for (unsigned i = 0; i < count;) {
        // As many as follow each other in one slab; of them, as many as follow each other in one word.
        const PageIndex page = head_of(size, reinterpret_cast<uintptr_t>(objects[i]));
        if (__builtin_expect(owner_of(objects[i]) != cls, 0)) {
            // Its slab is gone: another free of it emptied the slab. Or the sheaf was overwritten.
            if (!forgiving) {
                report_misuse(Misuse::double_free, call, objects[i], cls);
            }
            ++i;
            continue;
        }
        unsigned in_slab = 0;
        while (i < count && head_of(size, reinterpret_cast<uintptr_t>(objects[i])) == page) {
            uint64_t bits = 0;
            unsigned word = 0;
            unsigned in_word = 0;
            for (; i < count; ++i, ++in_word) {
                const auto address = reinterpret_cast<uintptr_t>(objects[i]);
                const uint64_t offset = address & size.offset_mask;
                const uint64_t index = offset * size.reciprocal >> 40;
                if (head_of(size, address) != page || (in_word && index / 64 != word)) {
                    break;
                }
                word = static_cast<unsigned>(index / 64);
                const uint64_t bit = uint64_t{1} << (index % 64);
                if (index >= size.objects || index * size.bytes != offset || ((bits & bit) && !forgiving)) {
                    report_bad_object(call, cls, objects[i]);
                }
                bits |= bit;
            }
            const uint64_t before = words_of(page)[word].fetch_or(bits, std::memory_order_release);
            if (__builtin_expect((before & bits) != 0 && !forgiving, 0)) {
                const unsigned bad = word * 64 + static_cast<unsigned>(std::countr_zero(before & bits));
                report_bad_object(call, cls,
                                  reinterpret_cast<void*>(page_address(page) + uintptr_t{bad} * size.bytes));
            }
            in_slab += static_cast<unsigned>(std::popcount(bits & ~before));
        }
        given += in_slab;
        note_freed(page, cls, in_slab);
    }
    const unsigned shard = shard_of_this_cpu();
    classes[shard][cls].flushes.fetch_add(given, std::memory_order_relaxed);
    returned_in[shard].bytes.fetch_add(size_t{given} * size.bytes, std::memory_order_relaxed);
}

SlabObject slab_look_up(unsigned cls, const void* address) {
    const SizeClass& size = size_classes[cls];
    const auto at = reinterpret_cast<uintptr_t>(address);
    const uint64_t offset = at & size.offset_mask;
    const uint64_t index = offset * size.reciprocal >> 40;
    if (index * size.bytes != offset || index >= size.objects) {
        return SlabObject::none;
    }
    const uint64_t word = words_of(head_of(size, at))[index / 64].load(std::memory_order_relaxed);
    return word >> (index % 64) & 1 ? SlabObject::free : SlabObject::allocated;
}

bool slab_holds(unsigned cls, const void* object) {
    const Page& head = zone.mem_map[head_of(size_classes[cls], reinterpret_cast<uintptr_t>(object))];
    for (;;) {
        const unsigned home = head.home.load(std::memory_order_relaxed);
        Guard guard(classes[home][cls].lock);
        if (head.cls.load(std::memory_order_relaxed) != cls) {
            return true; // all of the slab was, and its pages went back
        }
        if (head.home.load(std::memory_order_relaxed) == home) {
            return slab_look_up(cls, object) == SlabObject::free;
        }
    }
}

uint32_t slab_shrink() {
    uint32_t pages = 0;
    const unsigned shards = shard_count();
    for (unsigned shard = 0; shard < shards; ++shard) {
        for (unsigned cls = 1; cls < class_table_size; ++cls) {
            Class& owner = classes[shard][cls];
            if (owner.slabs == 0) {
                continue;
            }
            Guard guard(owner.lock);
            while (owner.bins[bin_empty].size > 0) {
                const PageIndex page = owner.bins[bin_empty].first();
                owner.bins[bin_empty].remove(page);
                zone.mem_map[page].bin = bin_none;
                destroy_slab(page, owner, cls);
                pages += uint32_t{1} << size_classes[cls].order;
            }
        }
    }
    return pages;
}

bool slab_has_shrunk() {
    std::atomic<size_t>& returned = returned_in[shard_of_this_cpu()].bytes;
    const size_t bytes = returned.load(std::memory_order_relaxed);
    if (bytes < shrink_bytes || bytes >> page_shift < buddy_pages_in_use() / growth_share) {
        return false;
    }
    returned.store(0, std::memory_order_relaxed);
    return true;
}

Lock& slab_lock(unsigned shard, unsigned cls) {
    return classes[shard][cls].lock;
}

} // namespace sb
