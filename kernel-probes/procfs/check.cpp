#include "kernel-probes/procfs/check.hpp"

#include "kernel-probes/check/known_child.hpp"
#include "kernel-probes/procfs/snapshot.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>
#include <unistd.h>

namespace faultline::probes::procfs {
namespace {

// A deed and what a metric must have counted of it. The upper bounds leave room for what the child does
// beside it (a stack page, the order it reads), the bounds of rss for the kernel's batched counters.
struct Expectation {
    std::string_view metric;
    KnownChild::Deed deed;
    std::uint32_t amount;
    std::uint64_t at_least;
    std::uint64_t at_most;
};

constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

std::vector<Expectation> expectations() {
    using Deed = KnownChild::Deed;
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return {
        {"minor_faults", Deed::touch_pages, 64, 64, 96},
        {"user_ns", Deed::burn_ms, 30, 10'000'000, no_limit},
        {"voluntary_switches", Deed::sleep, 20, 20, 40},
        {"rss_anon_bytes", Deed::touch_pages, 2048, 1536 * page, 2560 * page},
        {"anonymous_bytes", Deed::touch_pages, 256, 256 * page, 288 * page},
        {"read_calls", Deed::read_zeros, 16, 16, 32},
        {"host_page_faults", Deed::touch_pages, 64, 64, no_limit},
        {"host_pages_allocated", Deed::touch_pages, 64, 64, no_limit},
    };
}

// Whether every file of the group can be read and holds the keys: what is missing is a reason.
Capability presence(const std::filesystem::path& proc, pid_t pid, std::string_view group,
                    std::span<const Row* const> rows) {
    Capability capability{std::string(group), std::string(rows.front()->metric.layer), Status::ok, "", 0, ""};
    const Snapshot snapshot = take(proc, pid, rows);
    if (!snapshot.failures.empty()) {
        const auto& [source, error] = *snapshot.failures.begin();
        const std::string file = (proc / file_of(source, pid)).string();
        capability.reason = fmt::format("cannot read {}: {}", file, strerrordesc_np(error));
        capability.errno_value = error;
        const bool pressure = file.find("pressure") != std::string::npos;
        capability.remedy =
            pressure ? "a kernel with CONFIG_PSI=y, started with psi=1" : "mount /proc readable";
    }
    std::vector<std::string_view> missing;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (!snapshot.values[i]) {
            missing.push_back(rows[i]->metric.name);
        }
    }
    if (!missing.empty()) {
        capability.status = missing.size() == rows.size() ? Status::unavailable : Status::degraded;
        if (capability.reason.empty()) {
            capability.reason = fmt::format("this kernel does not say {}", fmt::join(missing, ", "));
            capability.remedy = "another kernel, or do without";
        }
    }
    return capability;
}

std::optional<std::uint64_t> counted(const std::filesystem::path& proc, KnownChild& child, const Row* row,
                                     const Expectation& expected) {
    const Row* const one[] = {row};
    const auto before = take(proc, child.pid(), one).values.front();
    if (!child.do_deed(expected.deed, expected.amount)) {
        return std::nullopt;
    }
    const auto after = take(proc, child.pid(), one).values.front();
    return before && after && *after >= *before ? std::optional(*after - *before) : std::nullopt;
}

void prove(Capability& capability, const std::filesystem::path& proc, KnownChild& child,
           std::span<const Row* const> rows) {
    for (const Expectation& expected : expectations()) {
        const auto row = std::find_if(rows.begin(), rows.end(),
                                      [&](const Row* r) { return r->metric.name == expected.metric; });
        if (row == rows.end()) {
            continue;
        }
        const auto count = counted(proc, child, *row, expected);
        if (!count || *count < expected.at_least || *count > expected.at_most) {
            capability.status = Status::unavailable;
            capability.reason = fmt::format("{} counted {} of a deed worth {}", expected.metric,
                                            count ? fmt::to_string(*count) : "nothing", expected.at_least);
            capability.remedy = "run on the host, not under an emulated kernel (gVisor, WSL 1)";
        }
    }
}

} // namespace

std::vector<Capability> check(const std::filesystem::path& proc, std::span<const Row* const> rows) {
    std::vector<Capability> capabilities;
    auto child = KnownChild::start();
    for (std::size_t begin = 0; begin < rows.size();) {
        const std::string_view group = rows[begin]->metric.group;
        std::vector<const Row*> members;
        std::copy_if(rows.begin(), rows.end(), std::back_inserter(members),
                     [&](const Row* r) { return r->metric.group == group; });
        begin += members.size();
        if (!child) {
            capabilities.push_back({std::string(group), std::string(members.front()->metric.layer),
                                    Status::unavailable, child.error().what, 0, "allow one more process"});
            continue;
        }
        Capability capability = presence(proc, child->pid(), group, members);
        if (capability.status == Status::ok) {
            prove(capability, proc, *child, members);
        }
        if (capability.status == Status::ok && group == "scheduling") {
            capability.status = Status::degraded;
            capability.reason = "the kernel drops a thread's switches when it ends: no figure after that";
            capability.remedy = "context_switches of layer perf-sw counts every thread";
        }
        capabilities.push_back(std::move(capability));
    }
    return capabilities;
}

} // namespace faultline::probes::procfs
