// `host` of the result document. What is in `deciding` makes the fingerprint: a change there makes times,
// faults or memory incomparable. What changes from hour to hour (load, uptime) stands beside it.

#include "base/sha256.hpp"
#include "harness/host/tree.hpp"
#include "kernel-probes/procfs/parse.hpp"

#include <cstdlib>
#include <gnu/libc-version.h>
#include <sstream>
#include <sys/utsname.h>

namespace faultline::host {
namespace {

using Json = nlohmann::json;

template <typename T>
Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json();
}

// arm64 has no "model name": its implementer and part numbers say as much.
std::string cpu_model(const Tree& tree) {
    if (auto name = tree.cpuinfo("model name")) {
        return *name;
    }
    if (auto part = tree.cpuinfo("CPU part")) {
        return "implementer " + tree.cpuinfo("CPU implementer").value_or("?") + " part " + *part;
    }
    return tree.cpuinfo("uarch").value_or(tree.cpuinfo("cpu").value_or("unknown")); // RISC-V, POWER
}

// What the kernel keeps for itself at boot varies by some pages from boot to boot: the same machine is the
// same size.
Json memory_size(const Tree& tree) {
    constexpr std::uint64_t step = std::uint64_t{64} << 20;
    const auto total = tree.meminfo_bytes("MemTotal");
    return total ? Json((*total + step / 2) / step * step) : Json();
}

std::string mitigations(const Tree& tree) {
    std::istringstream words(tree.line("proc/cmdline").value_or(""));
    for (std::string word; words >> word;) {
        if (word.starts_with("mitigations=")) {
            return word.substr(word.find('=') + 1);
        }
    }
    return "default";
}

Json load_average(const Tree& tree) {
    Json loads = Json::array();
    std::istringstream words(tree.line("proc/loadavg").value_or(""));
    for (double load = 0; loads.size() < 3 && words >> load;) {
        loads.push_back(load);
    }
    return loads.size() == 3 ? loads : Json();
}

std::string distribution(const Tree& tree) {
    std::istringstream lines(tree.text("etc/os-release").value_or(""));
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("PRETTY_NAME=")) {
            std::string name = line.substr(12);
            std::erase(name, '"');
            return name;
        }
    }
    return "unknown";
}

} // namespace

Json facts(const Tree& tree) {
    utsname names{};
    ::uname(&names);
    const auto limits = cgroup_limits(tree);
    const Json deciding = {
        {"kernel", or_null(tree.line("proc/sys/kernel/osrelease"))},
        {"machine", names.machine},
        {"cpu_model", cpu_model(tree)},
        {"cpus", tree.cpus()},
        {"smt", or_null(tree.number("sys/devices/system/cpu/smt/active"))},
        {"memory_bytes", memory_size(tree)},
        {"libc", std::string("glibc ") + ::gnu_get_libc_version()},
        {"thp", or_null(tree.chosen("sys/kernel/mm/transparent_hugepage/enabled"))},
        {"thp_defrag", or_null(tree.chosen("sys/kernel/mm/transparent_hugepage/defrag"))},
        {"swappiness", or_null(tree.number("proc/sys/vm/swappiness"))},
        {"overcommit", or_null(tree.number("proc/sys/vm/overcommit_memory"))},
        {"aslr", or_null(tree.number("proc/sys/kernel/randomize_va_space"))},
        {"governor", or_null(tree.line("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"))},
        {"clocksource",
         or_null(tree.line("sys/devices/system/clocksource/clocksource0/current_clocksource"))},
        {"mitigations", mitigations(tree)},
        {"memory_limit_bytes", or_null(limits.memory_bytes)},
        {"cpu_quota", or_null(limits.cpus)},
    };
    const auto uptime = tree.line("proc/uptime");
    return {
        {"fingerprint", sha256(deciding.dump(-1, ' ', true, Json::error_handler_t::replace))},
        {"deciding", deciding},
        {"hostname", or_null(tree.line("proc/sys/kernel/hostname"))},
        {"load_average", load_average(tree)},
        {"uptime_s", uptime ? Json(std::strtod(uptime->c_str(), nullptr)) : Json()},
        {"memory_available_bytes", available_memory_bytes(tree)},
        {"swap_bytes", or_null(tree.meminfo_bytes("SwapTotal"))},
        {"virtualization", virtualization(tree)},
        {"distribution", distribution(tree)},
    };
}

Json facts() {
    return facts(Tree());
}

} // namespace faultline::host
