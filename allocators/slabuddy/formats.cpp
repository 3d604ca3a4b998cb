#include "allocators/slabuddy/formats.hpp"

#include "allocators/slabuddy/buddy.hpp"
#include "allocators/slabuddy/config.hpp"
#include "allocators/slabuddy/sheaf.hpp"
#include "allocators/slabuddy/stats.hpp"
#include "allocators/slabuddy/zone.hpp"

#include <cerrno>
#include <unistd.h>

namespace sb {
namespace {

using Wide = unsigned long long;

// "12.3 MiB", without floating point.
void put_size(TextSink sink, size_t bytes) {
    static constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t tenths = bytes * 10;
    unsigned unit = 0;
    while (tenths >= 10240 && unit + 1 < sizeof units / sizeof units[0]) {
        tenths /= 1024;
        ++unit;
    }
    if (unit == 0) {
        put(sink, "%8zu %-3s", bytes, units[0]);
    } else {
        put(sink, "%6zu.%zu %-3s", tenths / 10, tenths % 10, units[unit]);
    }
}

void put_row(TextSink sink, const char* what, size_t bytes, const char* meaning) {
    put(sink, "  %-12s", what);
    put_size(sink, bytes);
    put(sink, "  %s\n", meaning);
}

// Names are the program's own: what would end a JSON or XML string goes.
void put_name(TextSink sink, const char* name) {
    for (; *name; ++name) {
        const bool plain = *name != '"' && *name != '\\' && *name != '<' && *name != '&';
        put(sink, "%c", plain ? *name : '_');
    }
}

} // namespace

void report_write(TextSink sink) {
    const Totals sum = totals();
    const CacheFigures sheaves = thread_cache_figures();
    put(sink, "slabuddy: %s, pid %d\n", program_invocation_short_name, static_cast<int>(getpid()));
    put_row(sink, "in use", sum.live_bytes + sum.area_bytes,
            "by the program, with what its threads keep at hand");
    put_row(sink, "at hand", sheaves.bytes, "of that: free objects in the sheaves of running threads");
    put_row(sink, "areas", sum.area_bytes, "of that: blocks above 4 MiB, mapped alone");
    put_row(sink, "committed", sum.committed_bytes,
            "for blocks up to 4 MiB: the most that was needed so far");
    put_row(sink, "free", sum.free_bytes, "of that: not in use");
    put_row(sink, "dirty", sum.dirty_bytes, "of that: holds memory until it goes back to the system");
    put_row(sink, "kept areas", sum.cached_area_bytes, "freed, and kept for a moment");
    put_row(sink, "records", sum.metadata_bytes, "slabuddy's own, without page descriptors");
    slabinfo_write(sink);
    buddyinfo_write(sink);
    put(sink, "unusable free space index, by order:\n");
    unusable_index_write(sink);
    vmallocinfo_write(sink);
}

void json_write(TextSink sink) {
    const Totals sum = totals();
    const CacheFigures sheaves = thread_cache_figures();
    put(sink,
        "{\"in_use_bytes\": %zu, \"committed_bytes\": %zu, \"free_bytes\": %zu, \"free_blocks\": %zu, "
        "\"dirty_bytes\": %zu, \"metadata_bytes\": %zu,\n",
        sum.live_bytes + sum.area_bytes, sum.committed_bytes, sum.free_bytes, sum.free_blocks,
        sum.dirty_bytes, sum.metadata_bytes);
    put(sink, " \"areas\": {\"count\": %zu, \"bytes\": %zu, \"cached\": %zu, \"cached_bytes\": %zu},\n",
        sum.areas, sum.area_bytes, sum.cached_areas, sum.cached_area_bytes);
    put(sink, " \"thread_caches\": {\"count\": %llu, \"objects\": %llu, \"bytes\": %llu},\n",
        static_cast<Wide>(sheaves.caches), static_cast<Wide>(sheaves.objects),
        static_cast<Wide>(sheaves.bytes));
    struct Rows {
        TextSink sink;
        bool any;
    } rows = {sink, false};
    put(sink, " \"caches\": [");
    stats_each_cache(
        [](void* context, const CacheRow& row) {
            auto& to = *static_cast<Rows*>(context);
            put(to.sink, "%s\n  {\"name\": \"", to.any ? "," : "");
            put_name(to.sink, row.name);
            put(to.sink,
                "\", \"object_bytes\": %u, \"in_use_objects\": %llu, \"objects\": %llu, \"barn_objects\": "
                "%llu, "
                "\"slabs\": %llu, \"slab_pages\": %u, \"allocated_objects\": %llu}",
                row.object_bytes, static_cast<Wide>(row.in_use), static_cast<Wide>(row.objects),
                static_cast<Wide>(row.in_barn), static_cast<Wide>(row.slabs), unsigned{row.pages_per_slab},
                static_cast<Wide>(row.allocations));
            to.any = true;
        },
        &rows);
    put(sink, "\n ],\n \"orders\": [");
    const BuddyFigures buddy = buddy_figures();
    for (unsigned order = 0; order < order_count; ++order) {
        const unsigned index = unusable_thousandths(order);
        put(sink,
            "%s\n  {\"order\": %u, \"block_bytes\": %zu, \"free_slab_blocks\": %u, \"free_large_blocks\": "
            "%u, "
            "\"unusable_index\": %u.%03u}",
            order == 0 ? "" : ",", order, page_bytes << order, buddy.free_blocks[0][order],
            buddy.free_blocks[1][order], index / 1000, index % 1000);
    }
    put(sink, "\n ]}\n");
}

void malloc_info_write(TextSink sink) {
    const Totals sum = totals();
    put(sink, "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n");
    stats_each_cache(
        [](void* context, const CacheRow& row) {
            const uint64_t free_objects = row.objects - row.in_use;
            if (free_objects > 0) {
                put(*static_cast<TextSink*>(context),
                    "  <size from=\"%u\" to=\"%u\" total=\"%llu\" count=\"%llu\"/>\n", row.object_bytes,
                    row.object_bytes, Wide{free_objects} * row.object_bytes, static_cast<Wide>(free_objects));
            }
        },
        &sink);
    put(sink, "</sizes>\n");
    // glibc gives these of each heap and again of all; here there is one.
    for (const bool whole : {false, true}) {
        put(sink,
            "<total type=\"fast\" count=\"0\" size=\"0\"/>\n<total type=\"rest\" count=\"%zu\" "
            "size=\"%zu\"/>\n",
            sum.free_blocks, sum.free_bytes);
        if (whole) {
            put(sink, "<total type=\"mmap\" count=\"%zu\" size=\"%zu\"/>\n", sum.areas, sum.area_bytes);
        }
        put(sink,
            "<system type=\"current\" size=\"%zu\"/>\n<system type=\"max\" size=\"%zu\"/>\n"
            "<aspace type=\"total\" size=\"%zu\"/>\n<aspace type=\"mprotect\" size=\"%zu\"/>\n",
            sum.committed_bytes, sum.committed_bytes, sum.committed_bytes, sum.committed_bytes);
        put(sink, whole ? "</malloc>\n" : "</heap>\n");
    }
}

} // namespace sb
