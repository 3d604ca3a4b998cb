#include "allocators/slabuddy/stats.hpp"

#include "allocators/slabuddy/area.hpp"
#include "allocators/slabuddy/barn.hpp"
#include "allocators/slabuddy/buddy.hpp"
#include "allocators/slabuddy/meta.hpp"
#include "allocators/slabuddy/os.hpp"
#include "allocators/slabuddy/report.hpp"
#include "allocators/slabuddy/sheaf.hpp"
#include "allocators/slabuddy/slab.hpp"
#include "allocators/slabuddy/zone.hpp"

#include <cstdarg>
#include <cstdio>

namespace sb {
namespace {

[[gnu::format(printf, 3, 4)]] void line(TextSink sink, void* context, const char* format, ...) {
    char text[256];
    va_list values;
    va_start(values, format);
    const int bytes = vsnprintf(text, sizeof text, format, values);
    va_end(values);
    if (bytes > 0) {
        sink(context, text,
             static_cast<size_t>(bytes) < sizeof text ? static_cast<size_t>(bytes) : sizeof text - 1);
    }
}

void to_standard_error(void* /*context*/, const char* text, size_t bytes) {
    os_write_error(text, bytes);
}

} // namespace

void slabinfo_write(TextSink sink, void* context) {
    line(sink, context, "slabinfo - version: 2.1\n");
    line(sink, context,
         "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> "
         ": tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> "
         "<sharedavail>\n");
    for (unsigned cls = 1; cls < class_table_size; ++cls) {
        const SlabFigures figures = slab_figures(cls);
        if (figures.slabs == 0 && figures.refills == 0) {
            continue;
        }
        const SizeClass& size = size_classes[cls];
        const uint64_t in_barn = barn_objects(cls);
        char name[24];
        snprintf(name, sizeof name, "kmalloc-%u", size.bytes);
        line(sink, context,
             "%-17s %6llu %6llu %6u %4u %4u : tunables %4u %4u %4u : slabdata %6llu %6llu %6llu\n", name,
             static_cast<unsigned long long>(figures.objects - figures.free_objects - in_barn),
             static_cast<unsigned long long>(figures.objects), size.bytes, unsigned{size.objects},
             1U << size.order, unsigned{size.capacity}, (unsigned{size.capacity} + 1) / 2,
             unsigned{size.barn_sheaves}, static_cast<unsigned long long>(figures.slabs),
             static_cast<unsigned long long>(figures.slabs), static_cast<unsigned long long>(in_barn));
    }
}

void buddyinfo_write(TextSink sink, void* context) {
    const BuddyFigures figures = buddy_figures();
    const char* const names[mobility_count] = {"Slab", "Large"};
    for (unsigned mobility = 0; mobility < mobility_count; ++mobility) {
        line(sink, context, "Node 0, zone %8s ", names[mobility]);
        for (const uint32_t blocks : figures.free_blocks[mobility]) {
            line(sink, context, "%6u ", blocks);
        }
        line(sink, context, "\n");
    }
}

void vmallocinfo_write(TextSink sink, void* context) {
    struct To {
        TextSink sink;
        void* context;
    } to = {sink, context};
    area_visit(
        [](void* data, uintptr_t address, size_t bytes) {
            const To& into = *static_cast<To*>(data);
            line(into.sink, into.context, "0x%016zx-0x%016zx %7zu pages=%zu vmalloc\n",
                 static_cast<size_t>(address), static_cast<size_t>(address) + bytes, bytes,
                 bytes / os_page_bytes());
        },
        &to);
}

Totals totals() {
    Totals sum = {};
    if (!zone_ready()) {
        return sum;
    }
    const BuddyFigures buddy = buddy_figures();
    const AreaFigures areas = area_figures();
    sum.committed_bytes = size_t{buddy.committed_pages} * page_bytes;
    sum.live_bytes = size_t{buddy.large_pages} * page_bytes;
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
    sum.cached_area_bytes = areas.cached_bytes;
    sum.free_bytes = sum.committed_bytes - sum.live_bytes;
    sum.dirty_bytes = size_t{buddy.dirty_pages} * page_bytes;
    sum.metadata_bytes = meta_mapped_bytes();
    return sum;
}

void stats_write_all() {
    const Totals sum = totals();
    const CacheFigures caches = thread_cache_figures();
    line(to_standard_error, nullptr,
         "slabuddy: %zu bytes in use, %zu committed, %zu free (%zu dirty) in %zu blocks\n",
         sum.live_bytes + sum.area_bytes, sum.committed_bytes, sum.free_bytes, sum.dirty_bytes,
         sum.free_blocks);
    line(to_standard_error, nullptr,
         "slabuddy: %zu areas of %zu bytes, %zu bytes cached; %llu thread caches of %llu bytes\n", sum.areas,
         sum.area_bytes, sum.cached_area_bytes, static_cast<unsigned long long>(caches.caches),
         static_cast<unsigned long long>(caches.bytes));
    slabinfo_write(to_standard_error, nullptr);
    buddyinfo_write(to_standard_error, nullptr);
    vmallocinfo_write(to_standard_error, nullptr);
}

} // namespace sb
