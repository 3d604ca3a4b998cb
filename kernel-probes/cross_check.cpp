#include "kernel-probes/cross_check.hpp"

#include <cmath>
#include <numeric>

namespace faultline::probes {
namespace {

enum class Relation { equal, at_most };

// Each side is a sum of metrics.
struct Pair {
    std::vector<std::string_view> ours;
    std::vector<std::string_view> theirs;
    std::string_view source;
    Relation relation;
};

// What the worker does between its clocks and the marks, and what a CPU has not yet told vmstat.
constexpr std::uint64_t slack_faults = 128;
constexpr double tolerance = 0.02;

std::vector<Pair> pairs() {
    return {
        {{"faults_minor", "faults_major"},
         {"rusage_minor_faults", "rusage_major_faults"},
         "getrusage",
         Relation::equal},
        // Faults of calls are no exceptions.
        {{"faults_user_mode", "faults_kernel_mode"},
         {"rusage_minor_faults", "rusage_major_faults"},
         "getrusage",
         Relation::at_most},
        {{"faults_major"}, {"rusage_major_faults"}, "getrusage", Relation::equal},
        {{"perf_minor_faults", "perf_major_faults", "faults_in_calls"},
         {"faults_minor", "faults_major"},
         "perf and bpf",
         Relation::equal},
        {{"minor_faults", "major_faults"},
         {"rusage_minor_faults", "rusage_major_faults"},
         "getrusage",
         Relation::equal},
        {{"faults_minor", "faults_major"}, {"host_page_faults"}, "/proc/vmstat", Relation::at_most},
        {{"alloc_pages_pages"}, {"host_pages_allocated"}, "/proc/vmstat", Relation::at_most},
        {{"swap_in_pages"}, {"host_swap_in_pages"}, "/proc/vmstat", Relation::at_most},
        {{"swap_out_pages"}, {"host_swap_out_pages"}, "/proc/vmstat", Relation::at_most},
        {{"faults_minor", "faults_major"}, {"box_faults"}, "the cgroup", Relation::equal},
        {{"faults_major"}, {"box_major_faults"}, "the cgroup", Relation::equal},
    };
}

std::optional<std::uint64_t> sum(const std::vector<std::string_view>& names, const Figure& figure) {
    std::uint64_t total = 0;
    for (const std::string_view name : names) {
        const auto value = figure(name);
        if (!value) {
            return std::nullopt;
        }
        total += *value;
    }
    return total;
}

std::string joined(const std::vector<std::string_view>& names) {
    return std::accumulate(names.begin(), names.end(), std::string(),
                           [](std::string all, std::string_view name) {
                               all += all.empty() ? "" : "+";
                               return all.append(name);
                           });
}

} // namespace

std::vector<CrossCheck> cross_check(const Figure& figure) {
    std::vector<CrossCheck> checks;
    for (const Pair& pair : pairs()) {
        const auto ours = sum(pair.ours, figure);
        const auto theirs = sum(pair.theirs, figure);
        if (!ours || !theirs) {
            continue;
        }
        const double allowed = static_cast<double>(*theirs) * tolerance + static_cast<double>(slack_faults);
        const double excess = static_cast<double>(*ours) - static_cast<double>(*theirs);
        const bool equal = pair.relation == Relation::equal;
        checks.push_back({joined(pair.ours), std::string(pair.source) + ": " + joined(pair.theirs), *ours,
                          *theirs, equal ? "equal" : "at most", tolerance, slack_faults,
                          (equal ? std::abs(excess) : excess) <= allowed});
    }
    return checks;
}

} // namespace faultline::probes
