// The cgroup layer: what the kernel says of the pressure box that a trial runs in. Exact for the trial, since
// nobody else is in it. Only runs with a box have it.
#include "base/file.hpp"
#include "kernel-probes/layers.hpp"
#include "kernel-probes/procfs/parse.hpp"

#include <iterator>

namespace faultline::probes {
namespace {

namespace fs = std::filesystem;

// A file, and a line of it; no key: the file is one number.
struct Place {
    const char* file;
    std::string_view key;
};

struct Row {
    Metric metric;
    Place v2;
    Place v1;
};

constexpr Metric metric(std::string_view name, Kind kind, std::string_view help) {
    return {name, "box", "cgroup", kind, Scope::process, help};
}

constexpr Row rows[] = {
    {metric("box_faults", Kind::counter, "memory.stat: pgfault"),
     {"memory.stat", "pgfault"},
     {"memory.stat", "pgfault"}},
    {metric("box_major_faults", Kind::counter, "memory.stat: pgmajfault"),
     {"memory.stat", "pgmajfault"},
     {"memory.stat", "pgmajfault"}},
    {metric("box_refaults_anon", Kind::counter, "memory.stat: workingset_refault_anon"),
     {"memory.stat", "workingset_refault_anon"},
     {"memory.stat", "workingset_refault_anon"}},
    {metric("box_refaults_file", Kind::counter, "memory.stat: workingset_refault_file"),
     {"memory.stat", "workingset_refault_file"},
     {"memory.stat", "workingset_refault_file"}},
    {metric("box_limit_hits", Kind::counter, "memory.events: max, or memory.failcnt: the limit was reached"),
     {"memory.events", "max"},
     {"memory.failcnt", ""}},
    {metric("box_usage_bytes", Kind::gauge, "memory.current, or memory.usage_in_bytes"),
     {"memory.current", ""},
     {"memory.usage_in_bytes", ""}},
    {metric("box_peak_bytes", Kind::peak, "memory.peak, or memory.max_usage_in_bytes"),
     {"memory.peak", ""},
     {"memory.max_usage_in_bytes", ""}},
    {metric("box_swap_bytes", Kind::gauge, "memory.swap.current, or memory.stat: swap"),
     {"memory.swap.current", ""},
     {"memory.stat", "swap"}},
};

class Cgroup : public Probe {
  public:
    Cgroup() {
        for (const Row& row : rows) {
            metrics_.push_back(row.metric);
        }
    }

    std::string_view layer() const override { return "cgroup"; }
    std::span<const Metric> metrics() const override { return metrics_; }

    // A run without a limit's controller does not come this far: the box could not be made.
    std::vector<Capability> check() override { return {{"box", "cgroup", Status::ok, "", 0, ""}}; }

    Result<void> attach(const Target& target) override {
        group_ = target.group;
        at_attach_.clear();
        for (const Row& row : rows) {
            at_attach_.push_back(read(row));
        }
        return {};
    }

    void mark(engine::Phase /*entered*/, Snapshot& snapshot) override {
        for (std::size_t i = 0; i < std::size(rows); ++i) {
            auto value = read(rows[i]);
            if (rows[i].metric.kind == Kind::counter) {
                value = value && at_attach_[i] && *value >= *at_attach_[i]
                            ? std::optional(*value - *at_attach_[i])
                            : std::nullopt;
            }
            snapshot.values.push_back({&rows[i].metric, value});
        }
    }

    void finish() override { group_.clear(); }

  private:
    std::optional<std::uint64_t> read(const Row& row) const {
        for (const Place& place : {row.v2, row.v1}) {
            if (const auto text = group_.empty() ? tl::unexpected(Error()) : read_file(group_ / place.file)) {
                const auto value =
                    place.key.empty() ? procfs::nth_number(*text, 0) : procfs::field(*text, place.key);
                if (value) {
                    return value;
                }
            }
        }
        return std::nullopt;
    }

    std::vector<Metric> metrics_;
    fs::path group_;
    std::vector<std::optional<std::uint64_t>> at_attach_;
};

} // namespace

std::unique_ptr<Probe> make_cgroup() {
    return std::make_unique<Cgroup>();
}

} // namespace faultline::probes
