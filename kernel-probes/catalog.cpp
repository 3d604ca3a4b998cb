#include "base/file.hpp"
#include "kernel-probes/layers.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace faultline::probes {
namespace {

using Maker = std::unique_ptr<Probe> (*)(const Wanted&);

// Not measured unless asked for: each has a program run once or twice for every page, and a program that does
// nothing already costs a page fault some 4 % of its time (the tracepoint, and what the kernel does around it).
constexpr std::string_view opt_in[] = {"latency", "refaults", "page_frees"};

bool host_swaps() {
    const std::string areas = read_file("/proc/swaps").value_or("");
    return std::count(areas.begin(), areas.end(), '\n') > 1; // a heading, and a line for each
}

bool by_default(std::string_view group, const Circumstances& circumstances) {
    if (group == "memcg_events") { // runs once or twice a page; only swap is not known otherwise
        return circumstances.swaps || host_swaps();
    }
    if (group == "fault_kinds") {
        return !circumstances.timed;
    }
    return std::find(std::begin(opt_in), std::end(opt_in), group) == std::end(opt_in);
}

bool contains(std::span<const std::string> groups, std::string_view group) {
    return std::find(groups.begin(), groups.end(), group) != groups.end();
}

// One line for each layer, those that disturb last.
constexpr Maker layers[] = {
    [](const Wanted& wanted) { return make_procfs(wanted); },
    [](const Wanted& wanted) { return make_perf_sw(wanted); },
    [](const Wanted& wanted) { return make_bpf_tp(wanted); },
};

} // namespace

std::vector<std::string> all_groups() {
    std::vector<std::string> groups;
    for (const Maker make : layers) {
        const auto probe = make([](std::string_view) { return true; }); // owns what metrics() shows
        for (const Metric& metric : probe->metrics()) {
            if (std::find(groups.begin(), groups.end(), metric.group) == groups.end()) {
                groups.emplace_back(metric.group);
            }
        }
    }
    return groups;
}

Result<std::vector<std::unique_ptr<Probe>>> make_probes(std::span<const std::string> groups,
                                                        const Circumstances& circumstances) {
    const auto known = all_groups();
    for (const std::string& group : groups) {
        if (group != "all" && group != "none" && !contains(known, group)) {
            return fail(Exit::usage, "", fmt::format("unknown probe group \"{}\"", group),
                        fmt::format("the groups are {}, and all or none", fmt::join(known, ", ")));
        }
    }
    const Wanted wanted = [&](std::string_view group) {
        if (groups.empty()) {
            return by_default(group, circumstances);
        }
        return contains(groups, "all") || contains(groups, group);
    };
    std::vector<std::unique_ptr<Probe>> probes;
    for (const Maker make : layers) {
        auto probe = make(wanted);
        if (!probe->metrics().empty()) {
            probes.push_back(std::move(probe));
        }
    }
    return probes;
}

} // namespace faultline::probes
