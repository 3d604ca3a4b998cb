// What a workload is, as data: its names, parameters and costs (read by `faultline list` and by the plan,
// which never run it), and the object that does it in a worker.
//
// A workload runs through its phases in one thread of control; the ones that use several threads start and
// join them themselves, through `Team`. Only warmup(), measure() and drain() may call the allocator under
// test; everything the engine needs for itself comes from `Arena` (own mappings, pre-faulted), before the
// clock starts.
#pragma once

#include "base/error.hpp"
#include "workloads/engine/footprint.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::engine {

struct Parameter {
    enum class Kind { integer, choice, path };
    std::string_view name; // "size", "operations"
    Kind kind;
    std::string_view fallback; // the default, in the same form the user writes
    std::int64_t min = 0;      // for integers, inclusive
    std::int64_t max = 0;
    std::string_view choices; // for choices: "fifo|lifo|random"
    std::string_view unit;    // "bytes", "operations", ""
    std::string_view help;
};

// The values a workload runs with: complete (defaults filled in) and validated by `resolve`.
struct Arguments {
    unsigned threads = 1;
    std::uint64_t seed = 1;
    std::map<std::string, std::string, std::less<>> values;

    std::int64_t integer(std::string_view name) const;
    const std::string& text(std::string_view name) const;
};

// What a run will need, so that the plan can refuse what does not fit the machine and skip the null allocator
// where never freeing would fill it.
struct Cost {
    std::uint64_t live_bytes = 0; // requested bytes live at the same time, at most
    std::uint64_t allocated_bytes =
        0; // bytes requested and touched over the whole run: what the null allocator keeps
    std::uint64_t operations = 0; // operations of phase `measure`
    std::uint64_t least_ns = 0;   // that it takes however fast the machine is, because it sleeps in between
};

class Arena;
class LatencyRecorder;

// One workload with its arguments, in a worker process.
class Workload {
  public:
    virtual ~Workload() = default;
    virtual Result<void> prepare() = 0; // phase `start`: streams, slots; no allocator calls
    virtual void warmup() {}            // brings the heap into its steady shape
    virtual void measure() = 0;         // the part that is timed
    virtual void drain() = 0;           // frees everything that is still live
    virtual std::uint64_t
    operations() const = 0; // made by measure(): calls of the malloc family, or what spec.kernel speaks of
    virtual std::uint64_t checksum() const = 0; // of what was read back: depends on arguments and seed alone

    // Resident bytes of the files that the workload maps for the harness itself, such as a compiled trace; what
    // comes from an Arena is counted there.
    virtual std::uint64_t mapped_bytes() const { return 0; }

    // After drain(): adds each thread's samples to `all`, whose tables come from `arena`.
    virtual void collect_latency(LatencyRecorder& all, Arena& arena) const;
    // After drain(): what a reader of the report should know of this run, one line each.
    virtual std::vector<std::string> notes() const { return {}; }
    // After drain(): what was live and resident in the course of the run, where the workload looks at that.
    virtual std::span<const FootprintSample> footprint() const { return {}; }
};

// What of the host decides whether a workload can run at all.
struct Means {
    std::uint64_t swap_bytes = 0; // free, with what is made for the run
    bool huge_pages = false;      // transparent ones, at least where they are asked for
    bool root = false;
};

struct WorkloadSpec {
    std::string_view name;     // the field's name; a trailing N stands for the thread count: "larsonN"
    std::string_view summary;  // one line
    std::string_view citation; // where the pattern is from
    std::span<const Parameter> parameters;
    bool threaded; // takes a thread count
    bool micro;    // standalone, Google Benchmark chooses how often measure() is repeated
    Cost (*cost)(const Arguments&);
    std::unique_ptr<Workload> (*make)(const Arguments&);
    // Refuses combinations that no single range can (a minimum above the maximum); nullptr: there are none.
    Result<void> (*check)(const Arguments&, std::string_view where) = nullptr;
    // What an operation makes the kernel do, for a workload without an allocator in what it measures: it runs once a
    // round. Empty: the workload is about the allocator.
    std::string_view kernel = {};
    // Why it cannot run on a host with these means, with status `unavailable`; nullptr: it can on any.
    Result<void> (*able)(const Arguments&, const Means&) = nullptr;

    bool has_allocator_axis() const { return kernel.empty(); }
};

// Parameters that every workload takes beside its own; `resolve` fills them in too.
//   latency_every  every how many operations one is timed, 0 for never
std::span<const Parameter> common_parameters();
inline constexpr unsigned max_threads = 1024;

// "larson2:max_size=512": the name with its thread count, and what of the spec's own parameters differs from
// the defaults. The same work always gets the same text, and the catalogue reads it back.
std::string label(const WorkloadSpec& spec, const Arguments& arguments);

// Checks names, kinds and ranges of `given` against the spec and fills in the defaults. Errors name the
// parameter and its range, with status `usage`. Integers may end in K, M or G (2^10, 2^20, 2^30) and are
// stored as plain decimals; a path without a default must be given. `where` is put in front (a suite's file
// and line, or the command line).
Result<Arguments> resolve(const WorkloadSpec& spec, unsigned threads, std::uint64_t seed,
                          const std::map<std::string, std::string, std::less<>>& given,
                          std::string_view where);

} // namespace faultline::engine
