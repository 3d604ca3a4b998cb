#include "kernel-probes/bpf/metrics.hpp"

#include <algorithm>

namespace faultline::probes::bpf {
namespace {

// Interrupts take pages and slab objects too, whoever is running.
constexpr Scope scope_of(std::string_view group) {
    return group == "pages" || group == "page_frees" || group == "slab" ? Scope::partly : Scope::process;
}

constexpr Row all_rows[] = {
#define FAULTLINE_ROW(id, group, program, metric, help)                                                      \
    {{metric, group, layer, Kind::counter, scope_of(group), help}, COUNT_##id, #program},
    FAULTLINE_BPF_COUNTERS(FAULTLINE_ROW)
#undef FAULTLINE_ROW
};

// What a group needs beside the programs that its rows name.
struct Leaning {
    std::string_view group;
    std::vector<std::string_view> programs;
};

std::vector<Leaning> leanings() {
    // What happens to memory while a thread reclaims others' pages, or in a system call, says nothing of its fault.
    const std::vector<std::string_view> to_tell_apart = {
        "fault_user",  "fault_kernel",        "call_enter",        "page_alloc", "reclaim_begin",
        "reclaim_end", "memcg_reclaim_begin", "memcg_reclaim_end", "rss",        "filemap_fault"};
    return {{"memcg_events", {"fault_user", "fault_kernel", "call_enter"}},
            {"fault_kinds", to_tell_apart},
            {"latency", to_tell_apart},
            {"pagecache", {"cache_add", "cache_dirty"}},
            {"reclaim", {"reclaim_begin", "memcg_reclaim_begin"}},
            {"compaction", {"compaction_begin"}},
            {"syscalls", {"call_enter"}}};
}

} // namespace

std::span<const Row> rows() {
    return all_rows;
}

std::span<const TableRow> tables() {
    static const std::vector<TableRow> all = [] {
        std::vector<std::string_view> bounds;
        static std::vector<std::string> names;
        for (unsigned slot = 0; slot < LATENCY_SLOTS; ++slot) {
            names.push_back("to_" + std::to_string(std::uint64_t{2} << slot) + "_ns");
        }
        bounds.assign(names.begin(), names.end());
        return std::vector<TableRow>{
            {{"fault_latency", "latency", layer, "kind of fault", bounds, "faults by how long they took"},
             TableId::fault_latency,
             "memcg_event"},
            {{"alloc_pages",
              "pages",
              layer,
              "order, migrate type, GFP flags",
              {"calls", "pages"},
              "mm_page_alloc"},
             TableId::gfp,
             "page_alloc"},
            {{"slab_caches",
              "slab",
              layer,
              "cache",
              {"calls", "bytes"},
              "kmalloc and kmem_cache_alloc; caches of one size may be merged under one name"},
             TableId::slab_caches,
             "cache_alloc"},
            {{"slab_sites",
              "slab",
              layer,
              "cache, function that asked",
              {"calls", "bytes"},
              "kmalloc and kmem_cache_alloc"},
             TableId::slab_sites,
             "cache_alloc"},
            {{"madvise",
              "syscalls",
              layer,
              "advice",
              {"calls", "bytes"},
              "sys_exit: madvise that did not fail"},
             TableId::madvise,
             "call_exit"}};
    }();
    return all;
}

Wish wish_for(const Wanted& wanted) {
    Wish wish;
    for (const Row& row : all_rows) {
        if (wanted(row.metric.group)) {
            wish.programs.emplace(row.program);
        }
    }
    for (const Leaning& leaning : leanings()) {
        if (wanted(leaning.group)) {
            wish.programs.insert(leaning.programs.begin(), leaning.programs.end());
        }
    }
    wish.latency = wanted("latency");
    wish.kinds = wish.latency || wanted("fault_kinds") || wanted("memcg_events");
    wish.pages = wanted("pages");
    wish.slab_table = wanted("slab");
    return wish;
}

} // namespace faultline::probes::bpf
