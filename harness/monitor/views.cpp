#include "harness/monitor/views.hpp"

#include "harness/monitor/figure_text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace faultline::monitor {
namespace {

constexpr std::size_t section_width = 38;
constexpr std::size_t gap = 2;
constexpr std::size_t longest_table = 12;

using Lines = std::vector<std::string>;
struct Item {
    const char* label;
    const char* metric;
    Shown show;
};

std::string cell(std::string_view label, std::string_view value) {
    const std::size_t room = section_width > value.size() + 1 ? section_width - value.size() - 1 : 0;
    return fmt::format("{:<{}} {}", label.substr(0, room), room, value);
}

Lines section(const Frame& frame, const char* heading, std::initializer_list<Item> items) {
    Lines lines{fmt::format("{:-<{}}", fmt::format("{} ", heading), section_width)};
    for (const Item& item : items) {
        lines.push_back(cell(item.label, item.show(frame, item.metric)));
    }
    return lines;
}

// Rows with calls and, where there are two columns, the second as bytes or pages a second.
Lines table(const Frame& frame, const char* heading, std::string_view name, double second_step) {
    Lines lines{fmt::format("{:-<{}}", fmt::format("{} ", heading), section_width)};
    for (const TableRate& row : frame.top(name, longest_table)) {
        std::string value = short_number(row.per_second[0]);
        if (row.per_second.size() == 2) {
            value += fmt::format(" {:>6}", short_number(row.per_second[1], second_step));
        }
        lines.push_back(cell(row.key, value));
    }
    if (lines.size() == 1) {
        lines.emplace_back("-");
    }
    return lines;
}

// slabuddy's largest caches: objects in use, room for objects, and what the slabs take.
Lines slabuddy_caches(const SlabuddyFigures& figures) {
    std::vector<SlabuddyFigures::Cache> caches = figures.caches;
    std::stable_sort(caches.begin(), caches.end(),
                     [](const auto& a, const auto& b) { return a.slab_bytes > b.slab_bytes; });
    caches.resize(std::min(caches.size(), longest_table));
    Lines lines{fmt::format("{:-<{}}", "slabuddy's: in use, room, bytes ", section_width)};
    for (const SlabuddyFigures::Cache& cache : caches) {
        lines.push_back(
            cell(cache.name, fmt::format("{:>6} {:>6} {:>6}", short_number(static_cast<double>(cache.in_use)),
                                         short_number(static_cast<double>(cache.objects)),
                                         short_number(static_cast<double>(cache.slab_bytes), 1024))));
    }
    return lines;
}

Lines slabuddy_free_blocks(const SlabuddyFigures& figures) {
    Lines lines{fmt::format("{:-<{}}", "slabuddy's free blocks ", section_width)};
    std::size_t orders = 0;
    std::string names;
    for (const auto& [name, blocks] : figures.free) {
        orders = std::max(orders, blocks.size());
        names += fmt::format(" {:>6}", name.substr(0, 6));
    }
    lines.push_back(cell("of bytes", names));
    for (std::size_t order = 0; order < orders; ++order) {
        std::string counts;
        for (const auto& [name, blocks] : figures.free) {
            counts += fmt::format(
                " {:>6}", order < blocks.size() ? short_number(static_cast<double>(blocks[order])) : "-");
        }
        const auto bytes = static_cast<double>(figures.page_bytes << order);
        lines.push_back(cell(short_number(bytes, 1024), counts));
    }
    return lines;
}

Lines faults_by_kind(const Frame& frame) {
    return section(frame, "faults /s",
                   {{"minor", "minor_faults", per_second},
                    {"major", "major_faults", per_second},
                    {"anonymous", "faults_anonymous", per_second},
                    {"zero page", "faults_zero_page", per_second},
                    {"copy-on-write", "faults_cow", per_second},
                    {"file", "faults_file", per_second},
                    {"shared memory", "faults_shmem", per_second},
                    {"swap", "faults_swap", per_second},
                    {"huge", "faults_huge", per_second},
                    {"reused", "faults_reuse", per_second},
                    {"other", "faults_other", per_second}});
}

Lines memory(const Frame& frame) {
    return section(frame, "memory, bytes",
                   {{"resident", "rss_bytes", bytes},
                    {"  anonymous", "rss_anon_bytes", bytes},
                    {"  file", "rss_file_bytes", bytes},
                    {"  shared memory", "rss_shmem_bytes", bytes},
                    {"swapped out", "swap_bytes", bytes},
                    {"page tables", "page_table_bytes", bytes},
                    {"huge (hugetlb)", "hugetlb_bytes", bytes},
                    {"virtual", "virtual_bytes", bytes}});
}

Lines processor(const Frame& frame) {
    return section(frame, "processor",
                   {{"user", "user_ns", share},
                    {"system", "system_ns", share},
                    {"system calls /s", "system_calls", per_second}});
}

Lines allocators(const Frame& frame) {
    return section(frame, "kernel's allocators /s",
                   {{"alloc_pages", "alloc_pages_calls", per_second},
                    {"  pages", "alloc_pages_pages", per_second},
                    {"kmalloc", "kmalloc_calls", per_second},
                    {"  bytes", "kmalloc_bytes", per_second},
                    {"slab caches", "slab_alloc_calls", per_second},
                    {"vmalloc areas", "vmap_alloc_calls", per_second}});
}

Lines orders(const Frame& frame) {
    static const std::vector<std::pair<std::string, std::string>> names = [] {
        std::vector<std::pair<std::string, std::string>> all;
        for (int order = 0; order <= 10; ++order) {
            all.emplace_back(fmt::format("order {}", order), fmt::format("alloc_pages_order{}_calls", order));
        }
        return all;
    }();
    Lines lines{fmt::format("{:-<{}}", "alloc_pages by order, calls /s ", section_width)};
    for (const auto& [label, metric] : names) {
        lines.push_back(cell(label, per_second(frame, metric)));
    }
    return lines;
}

Lines reclaim(const Frame& frame) {
    return section(frame, "reclaim and swap /s",
                   {{"direct reclaim, calls", "direct_reclaim_calls", per_second},
                    {"  time in it", "direct_reclaim_ns", share},
                    {"group's limit, calls", "memcg_reclaim_calls", per_second},
                    {"  time in it", "memcg_reclaim_ns", share},
                    {"pages scanned", "reclaim_scanned_pages", per_second},
                    {"pages freed", "reclaim_freed_pages", per_second},
                    {"swapped in, pages", "swap_in_pages", per_second},
                    {"swapped out, pages", "swap_out_pages", per_second},
                    {"compaction, calls", "direct_compaction_calls", per_second},
                    {"  time in it", "direct_compaction_ns", share},
                    {"killed for memory", "oom_victims", per_second}});
}

Lines pressure(const Frame& frame) {
    return section(frame, "pressure, the whole host",
                   {{"cpu, some", "host_cpu_pressure_ns", share},
                    {"memory, some", "host_memory_pressure_some_ns", share},
                    {"memory, full", "host_memory_pressure_full_ns", share},
                    {"io, some", "host_io_pressure_some_ns", share},
                    {"io, full", "host_io_pressure_full_ns", share}});
}

Lines host(const Frame& frame) {
    return section(frame, "the whole host /s",
                   {{"faults", "host_page_faults", per_second},
                    {"major faults", "host_major_faults", per_second},
                    {"swapped in, pages", "host_swap_in_pages", per_second},
                    {"swapped out, pages", "host_swap_out_pages", per_second},
                    {"freed by kswapd, pages", "host_steal_kswapd_pages", per_second},
                    {"freed by callers, pages", "host_steal_direct_pages", per_second},
                    {"refaults, file", "host_refaults_file", per_second},
                    {"refaults, anonymous", "host_refaults_anon", per_second},
                    {"allocation stalls", "host_allocation_stalls", per_second}});
}

Lines page_cache(const Frame& frame) {
    return section(frame, "page cache, pages /s",
                   {{"read", "pagecache_read_pages", per_second},
                    {"  of them missed", "pagecache_missed_pages", per_second},
                    {"added", "pagecache_added_pages", per_second},
                    {"removed", "pagecache_removed_pages", per_second},
                    {"dirtied", "pagecache_dirtied_pages", per_second},
                    {"looked up by faults", "pagecache_fault_calls", per_second}});
}

Lines calls(const Frame& frame) {
    return section(frame, "address space, calls /s",
                   {{"brk", "brk_calls", per_second},
                    {"mmap", "mmap_calls", per_second},
                    {"munmap", "munmap_calls", per_second},
                    {"mremap", "mremap_calls", per_second},
                    {"mprotect", "mprotect_calls", per_second},
                    {"madvise", "madvise_calls", per_second},
                    {"TLB flushes, own", "tlb_local_flushes", per_second},
                    {"TLB flushes, asked", "tlb_shootdowns", per_second}});
}

std::vector<Lines> sections_of(const Frame& frame, View view) {
    switch (view) {
    case View::overview:
        return {processor(frame),  memory(frame),   faults_by_kind(frame),
                allocators(frame), pressure(frame), reclaim(frame)};
    case View::faults:
        return {faults_by_kind(frame),
                section(frame, "where they come from /s",
                        {{"exceptions in user code", "faults_user_mode", per_second},
                         {"exceptions in system calls", "faults_kernel_mode", per_second},
                         {"without an exception", "faults_in_calls", per_second}}),
                calls(frame), memory(frame)};
    case View::pages:
        return {orders(frame), table(frame, "order, type, flags: calls, pages /s", "alloc_pages", 1000),
                section(frame, "pages /s",
                        {{"allocated", "alloc_pages_pages", per_second},
                         {"  movable", "alloc_pages_movable_pages", per_second},
                         {"  unmovable", "alloc_pages_unmovable_pages", per_second},
                         {"  reclaimable", "alloc_pages_reclaimable_pages", per_second},
                         {"freed", "free_pages_pages", per_second}}),
                page_cache(frame)};
    case View::slab: {
        std::vector<Lines> sections = {table(frame, "slab caches: calls, bytes /s", "slab_caches", 1024),
                                       table(frame, "called from: calls, bytes /s", "slab_sites", 1024),
                                       section(frame, "kmalloc and slab /s",
                                               {{"kmalloc", "kmalloc_calls", per_second},
                                                {"  bytes", "kmalloc_bytes", per_second},
                                                {"kfree", "kfree_calls", per_second},
                                                {"slab caches", "slab_alloc_calls", per_second},
                                                {"  freed", "slab_free_calls", per_second},
                                                {"vmalloc areas", "vmap_alloc_calls", per_second},
                                                {"  bytes", "vmap_alloc_bytes", per_second}})};
        if (const auto& own = frame.now().slabuddy) {
            sections.insert(sections.begin(), {slabuddy_caches(*own), slabuddy_free_blocks(*own)});
        }
        return sections;
    }
    case View::pressure:
        return {reclaim(frame), pressure(frame), host(frame), memory(frame)};
    }
    return {};
}

// Sections below each other in `columns`, in their order, each in the column that is shortest so far.
Lines side_by_side(const std::vector<Lines>& sections, std::size_t columns) {
    std::vector<Lines> stacks(std::max<std::size_t>(1, std::min(columns, sections.size())));
    for (const Lines& lines : sections) {
        Lines& stack = *std::min_element(stacks.begin(), stacks.end(),
                                         [](const Lines& a, const Lines& b) { return a.size() < b.size(); });
        stack.insert(stack.end(), lines.begin(), lines.end());
    }
    Lines merged;
    for (const Lines& stack : stacks) {
        merged.resize(std::max(merged.size(), stack.size()));
    }
    for (std::size_t row = 0; row < merged.size(); ++row) {
        for (std::size_t i = 0; i < stacks.size(); ++i) {
            merged[row] += fmt::format("{:<{}}", row < stacks[i].size() ? stacks[i][row] : "",
                                       section_width + (i + 1 < stacks.size() ? gap : 0));
        }
    }
    return merged;
}

std::string heading(const Frame& frame, View view, const Surroundings& around) {
    return fmt::format("{} {}{}  {} proc {} thr  every {:g} s  pid {}  {}", static_cast<int>(view) + 1,
                       name_of(view), around.paused ? " PAUSED" : "", frame.now().processes,
                       frame.now().threads, around.interval_s, around.pid, around.title);
}

// What one ought to know beside the figures: one line.
std::string remark(const Frame& frame, const Surroundings& around, View view) {
    if (view == View::slab && frame.now().slabuddy) {
        const SlabuddyFigures& own = *frame.now().slabuddy;
        return fmt::format("slabuddy in process {}, as of {:.1f} s ago", own.pid, own.age_s);
    }
    if (view == View::slab && around.allocator.starts_with("libslabuddy")) {
        return around.allocator + ": start it with SLABUDDY_OPTIONS=live to see its own slabinfo here";
    }
    if (!around.output.empty()) {
        return "> " + around.output;
    }
    if (!around.missing.empty()) {
        return fmt::format("not shown: {} groups; h tells why: {}", around.missing.size(),
                           around.missing.front());
    }
    return around.allocator.empty() ? "" : "allocator: " + around.allocator;
}

// `rows` lines, cut to the width.
Lines fitted(Lines lines, std::size_t rows, std::size_t columns) {
    lines.resize(rows);
    for (std::string& line : lines) {
        line.resize(std::min(line.size(), columns));
        line.erase(line.find_last_not_of(' ') + 1);
    }
    return lines;
}

} // namespace

std::string name_of(View view) {
    constexpr const char* names[] = {"overview", "faults", "pages", "slab", "pressure"};
    return names[static_cast<std::size_t>(view)];
}

std::vector<std::string> screen(const Frame& frame, View view, const Surroundings& around, std::size_t rows,
                                std::size_t columns, std::size_t scroll) {
    Lines figures = side_by_side(sections_of(frame, view), (columns + gap) / (section_width + gap));
    figures.erase(figures.begin(),
                  figures.begin() + static_cast<std::ptrdiff_t>(std::min(scroll, figures.size())));
    const std::size_t room = rows > 3 ? rows - 3 : 0;
    const std::size_t hidden = figures.size() > room ? figures.size() - room : 0;
    Lines lines{heading(frame, view, around), remark(frame, around, view)};
    figures.resize(room);
    lines.insert(lines.end(), figures.begin(), figures.end());
    lines.push_back("q quit  p pause  1-5 view  +/- interval  h help" +
                    (hidden > 0 ? fmt::format("  {} more: down", hidden) : ""));
    if (hidden > 0 && lines.back().size() > columns) {
        lines.back() = fmt::format("{} more: down  h help  q quit", hidden);
    }
    return fitted(std::move(lines), rows, columns);
}

std::vector<std::string> help_screen(const Surroundings& around, std::size_t rows, std::size_t columns) {
    Lines lines{"faultline monitor: what a process tree makes the kernel do",
                "",
                "1  overview     2  faults, calls about the address space",
                "3  pages        4  slab caches and who asks of them",
                "5  reclaim, swap, pressure",
                "+ -  interval   p  pause   up down  scroll   q  quit",
                "Figures are of one second; bytes have k, M, G of 1024.",
                around.missing.empty() ? "-  not asked for, or not known yet"
                                       : "-  not asked for, not known yet, or one of these:"};
    lines.insert(lines.end(), around.missing.begin(), around.missing.end());
    return fitted(std::move(lines), rows, columns);
}

} // namespace faultline::monitor
