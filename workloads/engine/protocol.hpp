// What a worker and the program that started it say to each other.
//
// The worker is started with `--phase-fd=N` (a SOCK_SEQPACKET socket) and `--report-fd=M` (a file, usually a
// memfd). At each phase boundary the worker sends one PhaseMark and waits for one byte back. The mark's phase
// ends the one before it: the parent takes all its snapshots (probes, procfs) while the worker stands still,
// outside both clocks. A parent that goes away (end of file) ends the worker. Without --phase-fd nothing is
// sent and nobody is waited for, so the worker runs alone under any of Google Benchmark's own tools.
//
// With --occupancy-fd=K (a memfd of the size of occupancy.hpp's OccupancyBoard) nothing is timed: the worker keeps on that
// board, which the parent maps and reads as it likes, what its live blocks occupy.
//
// After the mark `end` the worker writes one JSON object to the report descriptor and exits with 0:
//
// {"worker_version": "0.1.0", "workload": "larsonN", "threads": 2, "seed": 1, "parameters": {"operations":
// "500000"},
//  "resolved": {"malloc": "/usr/lib/.../libjemalloc.so.2", "free": ..., "calloc", "realloc", "memalign",
//               "aligned_alloc", "posix_memalign", "operator new", "operator delete"},   // "" when absent
//  "checksum": "0123456789abcdef",
//  "harness_bytes": 1048576,        // the engine's own anonymous mappings, resident
//  "harness_file_bytes": 0,         // files that the workload mapped for itself (a compiled trace), resident
//  "phases": [{"name": "measure", "begin_ns": CLOCK_MONOTONIC, "wall_ns", "cpu_ns", "operations",
//              "user_ns", "system_ns", "minor_faults", "major_faults",          // getrusage(2)
//              "voluntary_switches", "involuntary_switches"}],
//  "latency": [{"operation": "malloc", "size_class": "64", "unit": "ns", "count", "sampled_every",
//               "p50_ns", "p90_ns", "p99_ns", "p999_ns", "p9999_ns", "max_ns", "buckets": [[upper_ns, count],
//               ...]}],
//  "series": [{"name": "live_bytes", "at_ns": [CLOCK_MONOTONIC, ...], "values": [...]}], // of workloads that look at it
//  "notes": ["..."],
//  "occupancy": {"reason": null},    // with --occupancy-fd alone: whether what the board held can be believed, or why not
//  "google_benchmark": {"context": {...}, "benchmarks": [...]}}
#pragma once

#include <cstdint>

namespace faultline::engine {

// In order. `start` (exec to the first operation) begins with the process and is never sent; `end` closes
// `idle`.
enum class Phase : std::uint32_t { start, warmup, measure, drain, idle, end };
inline constexpr unsigned phase_count = 5; // those with a duration: start to idle
inline constexpr const char* phase_names[] = {"start", "warmup", "measure", "drain", "idle", "end"};

struct PhaseMark {
    static constexpr std::uint32_t expected_magic = 0x464c504d; // "FLPM"
    std::uint32_t magic = expected_magic;
    Phase entered = Phase::start;
    std::uint64_t monotonic_ns = 0; // when the phase before it ended, CLOCK_MONOTONIC
};
static_assert(sizeof(PhaseMark) == 16);

inline constexpr char phase_ack = 'k';

// Exit statuses of the worker beside 0. Each comes with one line on standard error.
inline constexpr int worker_usage = 64;     // bad arguments: the plan should have refused them
inline constexpr int worker_data = 65;      // a bad trace or profile
inline constexpr int worker_no_memory = 69; // the allocator under test returned NULL
inline constexpr int worker_corrupt = 70;   // a block did not hold what was written to it

} // namespace faultline::engine
