#include "kernel-probes/layers.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace faultline::probes {
namespace {

using Maker = std::unique_ptr<Probe> (*)(const Wanted&);

// Not measured unless asked for: they cost more than the others together.
constexpr std::string_view opt_in[] = {"latency", "refaults"};

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

Result<std::vector<std::unique_ptr<Probe>>> make_probes(std::span<const std::string> groups) {
    const auto known = all_groups();
    for (const std::string& group : groups) {
        if (group != "all" && group != "none" && !contains(known, group)) {
            return fail(Exit::usage, "", fmt::format("unknown probe group \"{}\"", group),
                        fmt::format("the groups are {}, and all or none", fmt::join(known, ", ")));
        }
    }
    const Wanted wanted = [&](std::string_view group) {
        if (groups.empty()) {
            return std::find(std::begin(opt_in), std::end(opt_in), group) == std::end(opt_in);
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
