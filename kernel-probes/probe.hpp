// One face for every source of kernel-side figures. A layer (procfs, perf, bpf, cgroup) is one class that
// implements `Probe`, and one line in catalog.cpp.
//
// Life of a probe in a trial: attach() while the child is stopped before its exec, mark() at every phase
// boundary while the worker stands still, finish() after it exited but before it is reaped (/proc/PID still
// answers for what a zombie has). All calls come from one thread of the runner. No probe may allocate in,
// signal, or slow down the trial.
//
// A figure that could not be had is absent with a capability record that says why: never 0.
#pragma once

#include "base/error.hpp"
#include "workloads/engine/protocol.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace faultline::probes {

enum class Status { ok, degraded, unavailable };

// What one group of metrics can give on this host, found by doing: do a known thing and require the expected
// count.
struct Capability {
    std::string group; // "faults", "rss", "pagecache", ...
    std::string layer; // "procfs", "perf-sw", "bpf-tp", ...
    Status status = Status::ok;
    std::string reason; // empty when ok
    int errno_value = 0;
    std::string remedy;
};

// How a metric's phase value comes from snapshots at the phase's two ends.
enum class Kind {
    counter, // end minus begin
    gauge,   // the value at the phase's end
    peak,    // the highest value up to the phase's end
};

// Whose activity the figure counts; what is only partly the trial's is marked so in reports.
enum class Scope {
    process,
    partly, // the trial's, and what interrupts did while it was running
    host,
};

struct Metric {
    std::string_view name; // unit in the name: "minor_faults", "rss_anon_bytes"
    std::string_view group;
    std::string_view layer;
    Kind kind;
    Scope scope;
    std::string_view help; // one line, with the source ("/proc/PID/smaps_rollup: Anonymous")
};

struct Value {
    const Metric* metric;               // static: outlives the probe
    std::optional<std::uint64_t> value; // nullopt: this one could not be read now
};

// Counts of things whose names are not known beforehand: combinations of flags, slab caches, call sites,
// histograms. A row's figures are counters, and count from attach().
struct Table {
    std::string_view name; // "slab_caches"
    std::string_view group;
    std::string_view layer;
    std::string_view key;                  // what a row's name is: "cache"
    std::vector<std::string_view> columns; // units in the names: "calls", "bytes"
    std::string_view help;
};
struct TableRows {
    const Table* table; // static: outlives the probe
    std::map<std::string, std::vector<std::uint64_t>> rows;
};

// What could be read at one moment.
struct Snapshot {
    std::vector<Value> values;
    std::vector<TableRows> tables;
};

struct Target {
    pid_t pid = 0;                    // the worker: its threads and children belong to the trial
    std::filesystem::path group = {}; // its control group, when it has one of its own; else empty
};

class Probe {
  public:
    virtual ~Probe() = default;
    virtual std::string_view layer() const = 0;
    virtual std::span<const Metric> metrics() const = 0;
    virtual std::vector<Table> tables() const { return {}; } // of the groups wanted
    // Whether it slows the trial down, so that its figures are better taken in a run of their own. Known after
    // check(): what cannot count here does not disturb.
    virtual bool disturbs() const { return false; }
    virtual std::vector<Capability> check() = 0;
    virtual Result<void> attach(const Target& target) = 0;
    virtual void mark(engine::Phase entered, Snapshot& snapshot) = 0; // appends what can be read now
    virtual void finish() = 0;
};

// What the run is like, for which groups are measured when none is named.
struct Circumstances {
    bool timed = false; // what is counted is timed too
    bool swaps = false; // it will have swap that is not there yet
};

// The probes of this build for the groups named in `groups`, those that disturb last. Empty: all groups but
// the ones that cost most; "all": these too; "none": nothing. An unknown group is a usage error that lists the
// known ones.
Result<std::vector<std::unique_ptr<Probe>>> make_probes(std::span<const std::string> groups,
                                                        const Circumstances& circumstances = {});

// The probe of runs in a pressure box, beside those of make_probes().
std::unique_ptr<Probe> make_cgroup();

// The groups of this build, for `list` and for error messages: each group once, in the catalog's order.
std::vector<std::string> all_groups();

// Per-phase values of a trial: from the snapshots at its marks, by each metric's kind. Counters count from
// attach(), so that the first snapshot, at the mark that ends `start`, is that phase's own count. A trial
// that ended early gives fewer snapshots and has figures for the phases that ended.
struct PhaseValue {
    engine::Phase phase;
    const Metric* metric;
    std::optional<std::uint64_t> value;
};
std::vector<PhaseValue> by_phase(std::span<const Snapshot> snapshots_at_phase_ends);

// The same for tables: rows that counted nothing in a phase are left out of it.
struct PhaseTable {
    engine::Phase phase;
    TableRows content;
};
std::vector<PhaseTable> tables_by_phase(std::span<const Snapshot> snapshots_at_phase_ends);

} // namespace faultline::probes
