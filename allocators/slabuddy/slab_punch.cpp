#include "allocators/slabuddy/slab_punch.hpp"

#include "allocators/slabuddy/regret.hpp"

namespace sb {
namespace {

// Regret counts in pages of 4 KiB, whatever the system's are.
constexpr unsigned regret_page_shift = 12;
constexpr uint32_t regret_pages(size_t bytes) {
    return static_cast<uint32_t>(bytes >> regret_page_shift);
}

// What punching has taught. Its lock comes after those of all classes, and is only tried: a lesson may be missed.
constinit Lock regret_lock;
constinit Regret regret(least_idle_bytes >> regret_page_shift, most_idle_bytes >> regret_page_shift);

// Others may want the lock of a list while its slabs are punched.
constexpr unsigned most_punched_at_once = 16;

constexpr unsigned first_punched_class = class_of(least_punched_object_bytes);

// Objects `begin` to `end` of the slab are free and nobody's: gives back the system pages that lie wholly among them.
size_t punch_run(PageIndex page, const SizeClass& size, unsigned begin, unsigned end) {
    const size_t system_page = os_page_bytes();
    const size_t from = (size_t{begin} * size.bytes + system_page - 1) & ~(system_page - 1);
    const size_t behind = end == size.objects ? size_t{size.offset_mask} + 1 : size_t{end} * size.bytes;
    const size_t to = behind & ~(system_page - 1);
    return from < to && os_purge(reinterpret_cast<void*>(page_address(page) + from), to - from) ? to - from
                                                                                                : 0;
}

// Takes all free objects out of the slab for as long as it looks at them. Its class's lock held.
size_t punch_slab(PageIndex page, Class& owner, unsigned cls, const void*& twice) {
    const SizeClass& size = size_classes[cls];
    std::atomic<uint64_t>* words = words_of(page);
    uint64_t bits[words_per_page];
    for (unsigned i = 0; i < size.words; ++i) {
        bits[i] = words[i].exchange(0, std::memory_order_acquire);
    }
    size_t without_memory = 0;
    unsigned begin = 0;
    for (unsigned i = 0; i <= size.objects; ++i) {
        if (i == size.objects || (bits[i / 64] >> (i % 64) & 1) == 0) {
            without_memory += begin < i ? punch_run(page, size, begin, i) : 0;
            begin = i + 1;
        }
    }
    uint64_t free_objects = 0;
    for (unsigned i = 0; i < size.words; ++i) {
        free_objects += static_cast<unsigned>(std::popcount(bits[i]));
        put_back(page, cls, i, bits[i], twice);
    }
    zone.mem_map[page].looked_at = free_objects;
    const size_t before = zone.mem_map[page].punched * os_page_bytes();
    set_punched(page, owner, without_memory / os_page_bytes());
    return without_memory > before ? without_memory - before : 0;
}

// Up to `most` slabs of a list; true when there may be more. `given` counts up to `wanted`.
bool punch_list(Class& owner, unsigned cls, unsigned bin, unsigned most, size_t& given, size_t wanted) {
    const void* twice = nullptr;
    bool more = false;
    {
        Guard guard(owner.lock);
        PageIndex page = owner.bins[bin].first();
        for (; page != no_page && given < wanted && !more; page = zone.mem_map[page].next) {
            const Page& head = zone.mem_map[page];
            const auto free_objects =
                static_cast<uint64_t>(head.free_objects.load(std::memory_order_relaxed));
            if (free_objects > head.looked_at + size_classes[cls].objects / 8) {
                given += punch_slab(page, owner, cls, twice);
                more = --most == 0;
            }
        }
    }
    if (__builtin_expect(twice != nullptr, 0)) {
        report_bad_object("free", cls, twice);
    }
    return more;
}

size_t punch_lists(size_t wanted) {
    size_t given = 0;
    const unsigned shards = shard_count();
    for (unsigned bin = bin_empty; bin >= bin_quarter; --bin) {
        for (unsigned shard = 0; shard < shards; ++shard) {
            for (unsigned cls = first_punched_class; cls < class_table_size; ++cls) {
                while (punch_list(classes[shard][cls], cls, bin, most_punched_at_once, given, wanted)) {
                }
                if (given >= wanted) {
                    return given;
                }
            }
        }
    }
    return given;
}

} // namespace

void slab_punch_note_taken(PageIndex page, Class& owner, const SizeClass& size) {
    Page& head = zone.mem_map[page];
    const int32_t count = head.free_objects.load(std::memory_order_relaxed);
    const uint64_t free_objects = count > 0 ? static_cast<uint64_t>(count) : 0;
    head.looked_at = head.looked_at < free_objects ? head.looked_at : free_objects;
    if (head.punched == 0) {
        return;
    }
    if (const size_t most = free_objects * size.bytes / os_page_bytes(); most < head.punched) {
        if (regret_lock.try_lock()) {
            regret.taken(regret_pages((head.punched - most) * os_page_bytes()), os_now_ms());
            regret_lock.unlock();
        }
        set_punched(page, owner, most);
    }
}

size_t slab_punch(size_t wanted) {
    const size_t given = punch_lists(wanted);
    Guard guard(regret_lock);
    regret.given_back(regret_pages(given), os_now_ms());
    return given;
}

SlabFootprint slab_footprint() {
    SlabFootprint sum = {};
    size_t all = 0;
    size_t punched_pages = 0;
    const unsigned shards = shard_count();
    for (unsigned cls = 1; cls < class_table_size; ++cls) {
        size_t slabs = 0;
        for (unsigned shard = 0; shard < shards; ++shard) {
            slabs += classes[shard][cls].slabs;
        }
        if (slabs == 0) {
            continue;
        }
        const SizeClass& size = size_classes[cls];
        all += slabs * (size_t{size.offset_mask} + 1);
        uint64_t objects = 0; // over all shards: they come back to another one than they left
        for (unsigned shard = 0; shard < shards; ++shard) {
            const Class& owner = classes[shard][cls];
            objects += owner.refills;
            objects -= owner.flushes.load(std::memory_order_relaxed);
            punched_pages += owner.punched;
        }
        sum.in_use += static_cast<int64_t>(objects) > 0 ? objects * size.bytes : 0;
    }
    sum.punched = punched_pages * os_page_bytes();
    const size_t others = sum.in_use + sum.punched;
    sum.idle = all > others ? all - others : 0;
    Guard guard(regret_lock);
    sum.allowed = size_t{regret.allowed(os_now_ms())} << regret_page_shift;
    return sum;
}

Lock& slab_regret_lock() {
    return regret_lock;
}

} // namespace sb
