#include "kernel-probes/procfs/metrics.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <vector>

namespace faultline::probes::procfs {
namespace {

constexpr std::string_view layer = "procfs";
constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t us = 1000;

Row process(std::string_view name, std::string_view group, Kind kind, Source source, std::string_view key,
            std::uint64_t scale, std::string_view help) {
    return {{name, group, layer, kind, Scope::process, help}, source, key, scale};
}

Row host(std::string_view name, std::string_view group, Kind kind, Source source, std::string_view key,
         std::uint64_t scale, std::string_view help) {
    return {{name, group, layer, kind, Scope::host, help}, source, key, scale};
}

std::vector<Row> make_rows() {
    using enum Kind;
    using enum Source;
    const auto tick_ns = static_cast<std::uint64_t>(1'000'000'000 / ::sysconf(_SC_CLK_TCK));
    return {
        // Field numbers as in proc(5); the second of each pair counts children that were waited for.
        process("minor_faults", "faults", counter, stat, "10+11", 1, "stat: minflt+cminflt, all threads"),
        process("major_faults", "faults", counter, stat, "12+13", 1, "stat: majflt+cmajflt, all threads"),
        process("user_ns", "cpu", counter, stat, "14+16", tick_ns,
                "stat: utime+cutime, in steps of a clock tick"),
        process("system_ns", "cpu", counter, stat, "15+17", tick_ns,
                "stat: stime+cstime, in steps of a clock tick"),

        process("voluntary_switches", "scheduling", counter, threads, "voluntary_ctxt_switches", 1,
                "task/*/status; absent once a thread has ended"),
        process("involuntary_switches", "scheduling", counter, threads, "nonvoluntary_ctxt_switches", 1,
                "task/*/status; absent once a thread has ended"),

        process("peak_rss_bytes", "rss", peak, status, "VmHWM", kib, "status: VmHWM, since exec"),
        process("rss_bytes", "rss", gauge, status, "VmRSS", kib, "status: VmRSS"),
        process("rss_anon_bytes", "rss", gauge, status, "RssAnon", kib, "status: RssAnon"),
        process("rss_file_bytes", "rss", gauge, status, "RssFile", kib, "status: RssFile"),
        process("rss_shmem_bytes", "rss", gauge, status, "RssShmem", kib, "status: RssShmem"),
        process("swap_bytes", "rss", gauge, status, "VmSwap", kib, "status: VmSwap"),
        process("page_table_bytes", "rss", gauge, status, "VmPTE", kib, "status: VmPTE"),
        process("hugetlb_bytes", "rss", gauge, status, "HugetlbPages", kib, "status: HugetlbPages"),
        process("virtual_bytes", "rss", gauge, status, "VmSize", kib, "status: VmSize"),
        process("peak_virtual_bytes", "rss", peak, status, "VmPeak", kib, "status: VmPeak, since exec"),

        process("pss_bytes", "smaps", gauge, smaps_rollup, "Pss", kib, "smaps_rollup: Pss"),
        process("private_dirty_bytes", "smaps", gauge, smaps_rollup, "Private_Dirty", kib,
                "smaps_rollup: Private_Dirty"),
        process("private_clean_bytes", "smaps", gauge, smaps_rollup, "Private_Clean", kib,
                "smaps_rollup: Private_Clean"),
        process("anonymous_bytes", "smaps", gauge, smaps_rollup, "Anonymous", kib, "smaps_rollup: Anonymous"),
        process("anon_huge_bytes", "smaps", gauge, smaps_rollup, "AnonHugePages", kib,
                "smaps_rollup: AnonHugePages"),
        process("lazy_free_bytes", "smaps", gauge, smaps_rollup, "LazyFree", kib,
                "smaps_rollup: LazyFree (MADV_FREE, not yet taken)"),
        process("swap_pss_bytes", "smaps", gauge, smaps_rollup, "SwapPss", kib, "smaps_rollup: SwapPss"),

        process("storage_read_bytes", "io", counter, io, "read_bytes", 1, "io: read_bytes, from storage"),
        process("storage_write_bytes", "io", counter, io, "write_bytes", 1,
                "io: write_bytes, dirtied for storage"),
        process("read_calls", "io", counter, io, "syscr", 1, "io: syscr"),
        process("write_calls", "io", counter, io, "syscw", 1, "io: syscw"),

        host("host_page_faults", "vmstat", counter, vmstat, "pgfault", 1, "vmstat: pgfault"),
        host("host_major_faults", "vmstat", counter, vmstat, "pgmajfault", 1, "vmstat: pgmajfault"),
        host("host_pages_allocated", "pages", counter, vmstat, "pgalloc_*", 1,
             "vmstat: pgalloc_* of all zones"),
        host("host_pages_freed", "pages", counter, vmstat, "pgfree", 1, "vmstat: pgfree"),
        host("host_page_in_bytes", "pagecache", counter, vmstat, "pgpgin", kib, "vmstat: pgpgin"),
        host("host_page_out_bytes", "pagecache", counter, vmstat, "pgpgout", kib, "vmstat: pgpgout"),
        host("host_file_pages", "pagecache", gauge, vmstat, "nr_file_pages", 1, "vmstat: nr_file_pages"),
        host("host_refaults_file", "pagecache", counter, vmstat, "workingset_refault_file", 1,
             "vmstat: workingset_refault_file"),
        host("host_refaults_anon", "swap", counter, vmstat, "workingset_refault_anon", 1,
             "vmstat: workingset_refault_anon"),
        host("host_swap_in_pages", "swap", counter, vmstat, "pswpin", 1, "vmstat: pswpin"),
        host("host_swap_out_pages", "swap", counter, vmstat, "pswpout", 1, "vmstat: pswpout"),
        host("host_steal_kswapd_pages", "reclaim", counter, vmstat, "pgsteal_kswapd", 1,
             "vmstat: pgsteal_kswapd"),
        host("host_steal_direct_pages", "reclaim", counter, vmstat, "pgsteal_direct", 1,
             "vmstat: pgsteal_direct"),
        host("host_scan_kswapd_pages", "reclaim", counter, vmstat, "pgscan_kswapd", 1,
             "vmstat: pgscan_kswapd"),
        host("host_scan_direct_pages", "reclaim", counter, vmstat, "pgscan_direct", 1,
             "vmstat: pgscan_direct"),
        host("host_allocation_stalls", "reclaim", counter, vmstat, "allocstall_*", 1,
             "vmstat: allocstall_* of all zones"),
        host("host_compaction_stalls", "compaction", counter, vmstat, "compact_stall", 1,
             "vmstat: compact_stall"),
        host("host_thp_fault_allocs", "hugepages", counter, vmstat, "thp_fault_alloc", 1,
             "vmstat: thp_fault_alloc"),
        host("host_thp_fault_fallbacks", "hugepages", counter, vmstat, "thp_fault_fallback", 1,
             "vmstat: thp_fault_fallback"),
        host("host_thp_collapse_allocs", "hugepages", counter, vmstat, "thp_collapse_alloc", 1,
             "vmstat: thp_collapse_alloc"),
        host("host_oom_kills", "oom", counter, vmstat, "oom_kill", 1, "vmstat: oom_kill"),

        host("host_cpu_pressure_ns", "psi", counter, psi_cpu, "some", us, "pressure/cpu: some"),
        host("host_memory_pressure_some_ns", "psi", counter, psi_memory, "some", us, "pressure/memory: some"),
        host("host_memory_pressure_full_ns", "psi", counter, psi_memory, "full", us, "pressure/memory: full"),
        host("host_io_pressure_some_ns", "psi", counter, psi_io, "some", us, "pressure/io: some"),
        host("host_io_pressure_full_ns", "psi", counter, psi_io, "full", us, "pressure/io: full"),
    };
}

} // namespace

std::span<const Row> rows() {
    static const std::vector<Row> table = make_rows();
    return table;
}

std::string file_of(Source source, pid_t pid) {
    switch (source) {
    case Source::stat:
        return fmt::format("{}/stat", pid);
    case Source::status:
        return fmt::format("{}/status", pid);
    case Source::smaps_rollup:
        return fmt::format("{}/smaps_rollup", pid);
    case Source::io:
        return fmt::format("{}/io", pid);
    case Source::threads:
        return fmt::format("{}/task", pid);
    case Source::vmstat:
        return "vmstat";
    case Source::psi_cpu:
        return "pressure/cpu";
    case Source::psi_memory:
        return "pressure/memory";
    case Source::psi_io:
        return "pressure/io";
    }
    return {};
}

} // namespace faultline::probes::procfs
