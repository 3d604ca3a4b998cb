// How much memory there is to take, and what control groups leave of it.

#include "harness/host/tree.hpp"
#include "kernel-probes/procfs/parse.hpp"

#include <algorithm>
#include <limits>
#include <sstream>
#include <unistd.h>

namespace faultline::host {
namespace {

namespace fs = std::filesystem;

// Where a control-group file system is mounted and how its files are called.
struct Flavour {
    fs::path mount;
    const char* memory_limit;
    const char* memory_usage;
    const char* reclaimable; // in memory.stat
};
const Flavour unified{"sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"};
const Flavour hybrid{"sys/fs/cgroup/unified", "memory.max", "memory.current", "inactive_file"};
const Flavour v1_memory{"sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
                        "total_inactive_file"};
const Flavour v1_cpu{"sys/fs/cgroup/cpu", "", "", ""};
const Flavour v1_cpuacct{"sys/fs/cgroup/cpu,cpuacct", "", "", ""};

template <typename T>
void lower(std::optional<T>& bound, T value) {
    bound = bound ? std::min(*bound, value) : value;
}

void read_memory(const Tree& tree, const Flavour& flavour, const fs::path& group, CgroupLimits& limits) {
    const auto limit = tree.number(group / flavour.memory_limit);
    // v1 says "none" with a number near 2^63.
    if (!limit || *limit >= std::uint64_t{1} << 62) {
        return;
    }
    lower(limits.memory_bytes, *limit);
    const auto reclaimable =
        probes::procfs::field(tree.text(group / "memory.stat").value_or(""), flavour.reclaimable).value_or(0);
    const std::uint64_t usage = tree.number(group / flavour.memory_usage).value_or(0);
    const std::uint64_t held = usage - std::min(usage, reclaimable);
    lower(limits.left_bytes, *limit - std::min(*limit, held));
}

void read_cpu(const Tree& tree, const fs::path& group, CgroupLimits& limits) {
    const std::string v2 = tree.line(group / "cpu.max").value_or("");
    const auto quota =
        v2.empty() ? tree.number(group / "cpu.cfs_quota_us") : probes::procfs::nth_number(v2, 0);
    const auto period =
        v2.empty() ? tree.number(group / "cpu.cfs_period_us") : probes::procfs::nth_number(v2, 1);
    if (quota && period && *period > 0) { // "-1" and "max" are no numbers
        lower(limits.cpus, static_cast<double>(*quota) / static_cast<double>(*period));
    }
}

// A limit of any group above counts, too. A path that a container does not see falls back to its mount's
// root.
void walk_up(const Tree& tree, const Flavour& flavour, const std::string& path, CgroupLimits& limits) {
    for (fs::path group = fs::path(path).relative_path();; group = group.parent_path()) {
        const fs::path directory = flavour.mount / group;
        if (*flavour.memory_limit != '\0') {
            read_memory(tree, flavour, directory, limits);
        }
        read_cpu(tree, directory, limits);
        if (group.empty()) {
            return;
        }
    }
}

bool lists(const std::string& controllers, std::string_view name) {
    return ("," + controllers + ",").find("," + std::string(name) + ",") != std::string::npos;
}

} // namespace

CgroupLimits cgroup_limits(const Tree& tree) {
    CgroupLimits limits;
    std::istringstream lines(tree.text("proc/self/cgroup").value_or(""));
    for (std::string id, controllers, path; std::getline(lines, id, ':') &&
                                            std::getline(lines, controllers, ':') &&
                                            std::getline(lines, path);) {
        if (controllers.empty()) {
            walk_up(tree, unified, path, limits);
            walk_up(tree, hybrid, path, limits);
        }
        if (lists(controllers, "memory")) {
            walk_up(tree, v1_memory, path, limits);
        }
        if (lists(controllers, "cpu")) {
            walk_up(tree, v1_cpu, path, limits);
            walk_up(tree, v1_cpuacct, path, limits);
        }
    }
    return limits;
}

std::uint64_t available_memory_bytes(const Tree& tree) {
    const auto host = tree.meminfo_bytes("MemAvailable").value_or(0);
    return std::min(host, cgroup_limits(tree).left_bytes.value_or(std::numeric_limits<std::uint64_t>::max()));
}

std::uint64_t available_memory_bytes() {
    return available_memory_bytes(Tree());
}

engine::Means means() {
    const Tree tree;
    // "always [madvise] never"
    const std::string huge = tree.line("sys/kernel/mm/transparent_hugepage/enabled").value_or("[never]");
    return {.swap_bytes = tree.meminfo_bytes("SwapFree").value_or(0),
            .huge_pages = huge.find("[never]") == std::string::npos,
            .root = ::geteuid() == 0};
}

} // namespace faultline::host
