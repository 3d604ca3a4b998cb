// What can be said of the slabs as a whole: figures for reports, the invariants, and the counts anew after a fork.
#include "allocators/slabuddy/slab.hpp"
#include "allocators/slabuddy/slab_lists.hpp"

namespace sb {

SlabFigures slab_figures(unsigned cls) {
    SlabFigures figures = {};
    const unsigned shards = shard_count();
    for (unsigned shard = 0; shard < shards; ++shard) {
        Class& owner = classes[shard][cls];
        Guard guard(owner.lock);
        figures.slabs += owner.slabs;
        for (const PageList& list : owner.bins) {
            for (PageIndex page = list.first(); page != no_page; page = zone.mem_map[page].next) {
                const int32_t here = zone.mem_map[page].free_objects.load(std::memory_order_relaxed);
                figures.free_objects += here > 0 ? static_cast<uint64_t>(here) : 0;
            }
        }
        figures.refills += owner.refills;
        figures.flushes += owner.flushes.load(std::memory_order_relaxed);
    }
    figures.objects = figures.slabs * size_classes[cls].objects;
    return figures;
}

namespace {

// The lists of one shard: NULL, or what is wrong. Its lock held.
const char* check_lists(unsigned shard, unsigned cls) {
    const Class& owner = classes[shard][cls];
    uint64_t punched = 0;
    for (unsigned bin = 0; bin < bin_count; ++bin) {
        for (PageIndex page = owner.bins[bin].first(); page != no_page; page = zone.mem_map[page].next) {
            const Page& head = zone.mem_map[page];
            if (head.state.load() != PageState::slab || head.cls.load() != cls || head.bin != bin ||
                head.home.load() != shard) {
                return "slab: a list holds a page that is not its own";
            }
            int32_t bits = 0;
            for (unsigned i = 0; i < size_classes[cls].words; ++i) {
                bits += std::popcount(words_of(page)[i].load());
            }
            punched += head.punched;
            if (bits != head.free_objects.load()) {
                return "slab: the free count is not the number of bits";
            }
            if (bin_for(size_classes[cls], bits) != bin) {
                return "slab: a slab is in the wrong list";
            }
        }
    }
    return punched == owner.punched ? nullptr : "slab: the count of system pages without memory is wrong";
}

} // namespace

const char* slab_check() {
    const unsigned shards = shard_count();
    for (unsigned cls = 1; cls < class_table_size; ++cls) {
        for (unsigned shard = 0; shard < shards; ++shard) {
            Guard guard(classes[shard][cls].lock);
            if (const char* broken = check_lists(shard, cls)) {
                return broken;
            }
        }
        const SlabFigures figures = slab_figures(cls);
        if (figures.objects != figures.free_objects + figures.refills - figures.flushes) {
            return "slab: objects are missing";
        }
    }
    return nullptr;
}

void slab_repair() {
    const uint32_t committed = zone.pages.load(std::memory_order_relaxed);
    for (PageIndex page = 0; page < committed; ++page) {
        Page& head = zone.mem_map[page];
        const unsigned cls = head.cls.load(std::memory_order_relaxed);
        if (head.state.load(std::memory_order_relaxed) != PageState::slab || cls == 0) {
            continue;
        }
        int32_t bits = 0;
        for (unsigned i = 0; i < size_classes[cls].words; ++i) {
            bits += std::popcount(words_of(page)[i].load(std::memory_order_relaxed));
        }
        head.free_objects.store(bits, std::memory_order_relaxed);
        slab_settle(page, cls); // gives the slab back when it is empty and one too many
    }
    // What is out of the slabs has been taken once more than it came back; who counted it does not matter.
    const unsigned shards = shard_count();
    for (unsigned cls = 1; cls < class_table_size; ++cls) {
        const SlabFigures figures = slab_figures(cls);
        for (unsigned shard = 0; shard < shards; ++shard) {
            classes[shard][cls].flushes.store(0, std::memory_order_relaxed);
        }
        const uint64_t out = figures.objects - figures.free_objects;
        classes[0][cls].flushes.store(figures.refills - out, std::memory_order_relaxed);
    }
}

} // namespace sb
