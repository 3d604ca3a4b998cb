#include "allocators/slabuddy/stats.hpp"

#include "allocators/slabuddy/area.hpp"
#include "allocators/slabuddy/barn.hpp"
#include "allocators/slabuddy/buddy.hpp"
#include "allocators/slabuddy/cache.hpp"
#include "allocators/slabuddy/meta.hpp"
#include "allocators/slabuddy/os.hpp"
#include "allocators/slabuddy/size_classes.hpp"
#include "allocators/slabuddy/slab.hpp"
#include "allocators/slabuddy/zone.hpp"

#include <cstdio>

namespace sb {

void stats_each_cache(void (*visit)(void*, const CacheRow&), void* context) {
    for (unsigned cls = 1; cls < class_table_size; ++cls) {
        const SlabFigures figures = slab_figures(cls);
        if (figures.slabs == 0 && figures.refills == 0) {
            continue;
        }
        const SizeClass& size = size_classes[cls];
        char name[24];
        snprintf(name, sizeof name, "kmalloc-%u", size.bytes);
        CacheRow row = {};
        row.name = name;
        row.objects = figures.objects;
        row.in_barn = barn_objects(cls);
        row.in_use = figures.objects - figures.free_objects - row.in_barn;
        row.slabs = figures.slabs;
        row.allocations = figures.refills;
        row.object_bytes = size.bytes;
        row.objects_per_slab = size.objects;
        row.pages_per_slab = static_cast<uint16_t>(1U << size.order);
        row.limit = size.capacity;
        row.batch = static_cast<uint16_t>((size.capacity + 1) / 2);
        row.shared = size.barn_sheaves;
        visit(context, row);
    }
    struct To {
        void (*visit)(void*, const CacheRow&);
        void* context;
    } to = {visit, context};
    cache_visit(
        [](void* data, Cache& cache) {
            CacheRow row = {};
            {
                Guard guard(cache.lock);
                row.slabs = cache.partial.size + cache.full.size + cache.empty.size;
                row.in_use = cache.in_use;
                row.allocations = cache.allocations;
            }
            row.name = cache.name;
            row.objects = row.slabs * cache.objects;
            row.object_bytes = cache.bytes;
            row.objects_per_slab = cache.objects;
            row.pages_per_slab = static_cast<uint16_t>(1U << cache.order);
            const To& into = *static_cast<To*>(data);
            into.visit(into.context, row);
        },
        &to);
}

void slabinfo_write(TextSink sink) {
    put(sink, "slabinfo - version: 2.1\n");
    put(sink, "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> "
              ": tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> "
              "<sharedavail>\n");
    stats_each_cache(
        [](void* context, const CacheRow& row) {
            put(*static_cast<TextSink*>(context),
                "%-17s %6llu %6llu %6u %4u %4u : tunables %4u %4u %4u : slabdata %6llu %6llu %6llu\n",
                row.name, static_cast<unsigned long long>(row.in_use),
                static_cast<unsigned long long>(row.objects), row.object_bytes,
                unsigned{row.objects_per_slab}, unsigned{row.pages_per_slab}, unsigned{row.limit},
                unsigned{row.batch}, unsigned{row.shared}, static_cast<unsigned long long>(row.slabs),
                static_cast<unsigned long long>(row.slabs), static_cast<unsigned long long>(row.in_barn));
        },
        &sink);
}

void buddyinfo_write(TextSink sink) {
    const BuddyFigures figures = buddy_figures();
    const char* const names[mobility_count] = {"Slab", "Large"};
    for (unsigned mobility = 0; mobility < mobility_count; ++mobility) {
        put(sink, "Node 0, zone %8s ", names[mobility]);
        for (const uint32_t blocks : figures.free_blocks[mobility]) {
            put(sink, "%6u ", blocks);
        }
        put(sink, "\n");
    }
}

// After mm/vmstat.c, unusable_free_index(). Either mobility serves the other when it must, so both count.
unsigned unusable_thousandths(unsigned order) {
    const BuddyFigures figures = buddy_figures();
    uint64_t free_pages = 0;
    uint64_t usable_pages = 0;
    for (const auto& by_order : figures.free_blocks) {
        for (unsigned o = 0; o < order_count; ++o) {
            const uint64_t pages = uint64_t{by_order[o]} << o;
            free_pages += pages;
            usable_pages += o >= order ? pages : 0;
        }
    }
    return free_pages == 0 ? 1000 : static_cast<unsigned>((free_pages - usable_pages) * 1000 / free_pages);
}

void unusable_index_write(TextSink sink) {
    put(sink, "Node 0, zone %8s ", "Normal");
    for (unsigned order = 0; order < order_count; ++order) {
        const unsigned index = unusable_thousandths(order);
        put(sink, "%u.%03u ", index / 1000, index % 1000);
    }
    put(sink, "\n");
}

void vmallocinfo_write(TextSink sink) {
    area_visit(
        [](void* context, uintptr_t address, size_t bytes) {
            put(*static_cast<TextSink*>(context), "0x%016zx-0x%016zx %7zu pages=%zu vmalloc\n",
                static_cast<size_t>(address), static_cast<size_t>(address) + bytes, bytes,
                bytes / os_page_bytes());
        },
        &sink);
}

Totals totals() {
    Totals sum = {};
    if (!zone_ready()) {
        return sum;
    }
    const BuddyFigures buddy = buddy_figures();
    const AreaFigures areas = area_figures();
    sum.committed_bytes = size_t{buddy.committed_pages} * page_bytes;
    sum.live_bytes = size_t{buddy.large_pages} * page_bytes + caches_figures().live_bytes;
    for (unsigned cls = 1; cls < class_table_size; ++cls) {
        const SlabFigures figures = slab_figures(cls);
        sum.live_bytes +=
            (figures.objects - figures.free_objects - barn_objects(cls)) * size_classes[cls].bytes;
    }
    for (const auto& by_order : buddy.free_blocks) {
        for (const uint32_t blocks : by_order) {
            sum.free_blocks += blocks;
        }
    }
    sum.area_bytes = areas.live_bytes;
    sum.areas = areas.live;
    sum.cached_areas = areas.cached;
    sum.cached_area_bytes = areas.cached_bytes;
    sum.free_bytes = sum.committed_bytes - sum.live_bytes;
    sum.dirty_bytes = size_t{buddy.dirty_pages} * page_bytes;
    sum.metadata_bytes = meta_mapped_bytes();
    return sum;
}

} // namespace sb
