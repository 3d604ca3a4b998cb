// The doctor's checks of the host. Each is a function of the Tree and one line of the table at the end. What
// cannot be seen from here (a virtual machine's governor) is said to be so and is no warning.

#include "harness/host/tree.hpp"
#include "kernel-probes/procfs/parse.hpp"

#include <cstdlib>
#include <fmt/format.h>
#include <sstream>
#include <unistd.h>

namespace faultline::host {
namespace {

using probes::procfs::nth_number;

constexpr double mib = 1 << 20;
constexpr double most_load_per_cpu = 0.25;
constexpr double most_steal_share = 0.005;
constexpr double most_stall_percent = 5;
constexpr double least_uptime_s = 300;
constexpr double least_free_share = 0.25;
constexpr std::uint64_t least_memory_bytes = std::uint64_t{256} << 20; // below, suite `quick` does not run

struct Verdict {
    const char* status;
    std::string what;
    std::string remedy;
};
Verdict ok(std::string what) {
    return {"ok", std::move(what), ""};
}
Verdict warn(std::string what, std::string remedy) {
    return {"warn", std::move(what), std::move(remedy)};
}
Verdict not_visible(const char* what) {
    return ok(fmt::format("{} cannot be seen from here", what));
}

Verdict load(const Tree& tree) {
    const auto line = tree.line("proc/loadavg");
    if (!line) {
        return not_visible("the load");
    }
    const double now = std::strtod(line->c_str(), nullptr);
    const double most = most_load_per_cpu * tree.cpus();
    std::string what = fmt::format("load average {:.2f} on {} CPUs", now, tree.cpus());
    return now <= most ? ok(std::move(what))
                       : warn(std::move(what),
                              fmt::format("stop other work, or wait until it is below {:.2f}", most));
}

Verdict pressure(const Tree& tree) {
    std::string stalls;
    for (const char* resource : {"cpu", "memory", "io"}) {
        const std::string line = tree.line(fmt::format("proc/pressure/{}", resource)).value_or("");
        const auto at = line.find("avg10=");
        const double percent = at == std::string::npos ? 0 : std::strtod(line.c_str() + at + 6, nullptr);
        if (percent > most_stall_percent) {
            stalls += fmt::format("{}{} {:.0f} %", stalls.empty() ? "" : ", ", resource, percent);
        }
    }
    if (!tree.exists("proc/pressure/cpu")) {
        return not_visible("pressure (PSI)");
    }
    return stalls.empty() ? ok("no pressure on CPU, memory or I/O in the last 10 s")
                          : warn("tasks stalled in the last 10 s: " + stalls, "stop other work");
}

Verdict steal(const Tree& tree) {
    const std::string line =
        tree.line("proc/stat").value_or(""); // cpu user nice system idle iowait irq softirq steal
    double total = 0;
    double stolen = 0;
    for (unsigned field = 1; field <= 8; ++field) {
        const double value = static_cast<double>(nth_number(line, field).value_or(0));
        total += value;
        stolen = field == 8 ? value : 0;
    }
    if (total == 0) {
        return not_visible("steal time");
    }
    std::string what =
        fmt::format("{:.2f} % of CPU time since boot taken by the hypervisor", 100 * stolen / total);
    return stolen / total <= most_steal_share
               ? ok(std::move(what))
               : warn(std::move(what), "use a host that is not shared, or more rounds");
}

Verdict governor(const Tree& tree) {
    const auto found = tree.line("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    if (!found) {
        return not_visible("the CPU frequency governor");
    }
    return *found == "performance" ? ok("governor performance")
                                   : warn("governor " + *found + ": the clock follows the load",
                                          "cpupower frequency-set -g performance");
}

Verdict turbo(const Tree& tree) {
    const auto off = tree.number("sys/devices/system/cpu/intel_pstate/no_turbo");
    const auto on = tree.number("sys/devices/system/cpu/cpufreq/boost");
    if (!off && !on) {
        return not_visible("turbo");
    }
    if (off ? *off == 1 : *on == 0) {
        return ok("turbo off");
    }
    return warn("turbo on: the clock follows heat and how many CPUs are busy",
                off ? "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo"
                    : "echo 0 > /sys/devices/system/cpu/cpufreq/boost");
}

Verdict smt(const Tree& tree) {
    const auto active = tree.number("sys/devices/system/cpu/smt/active");
    if (!active) {
        return not_visible("SMT");
    }
    return *active == 0 ? ok("SMT off")
                        : warn("SMT on: two hardware threads share a core",
                               "echo off > /sys/devices/system/cpu/smt/control, or fewer threads than cores");
}

Verdict virtual_machine(const Tree& tree) {
    std::string what = virtualization(tree);
    return what.starts_with("virtual")
               ? warn("runs in a " + what + ": its neighbours cannot be seen",
                      "prefer bare metal; else more rounds, and compare within one run only")
               : ok(what == "none" ? "no virtualization found" : what);
}

Verdict clocksource(const Tree& tree) {
    const auto source = tree.line("sys/devices/system/clocksource/clocksource0/current_clocksource");
    if (!source) {
        return not_visible("the clock source");
    }
    for (const char* fast :
         {"tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter", "timebase"}) {
        if (*source == fast) {
            return ok("clock source " + *source);
        }
    }
    return warn("clock source " + *source + ": reading the clock is a slow system call",
                "find why the kernel refused the TSC (dmesg | grep -i tsc)");
}

Verdict thp(const Tree& tree) {
    const auto mode = tree.chosen("sys/kernel/mm/transparent_hugepage/enabled");
    if (!mode) {
        return not_visible("the mode of transparent huge pages");
    }
    return *mode != "always"
               ? ok("transparent huge pages: " + *mode)
               : warn("transparent huge pages are given unasked: faults and RSS hang on alignment",
                      "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
}

Verdict aslr(const Tree& tree) {
    const auto mode = tree.number("proc/sys/kernel/randomize_va_space");
    if (!mode) {
        return not_visible("address-space randomisation");
    }
    return *mode == 2
               ? ok("addresses are randomised: rounds average over layouts")
               : warn("addresses are not fully randomised: every trial has the same lucky or unlucky layout",
                      "sysctl kernel.randomize_va_space=2");
}

Verdict perf_paranoid(const Tree& tree) {
    const auto level = tree.line("proc/sys/kernel/perf_event_paranoid");
    if (!level) {
        return warn("this kernel has no perf events", "a kernel with CONFIG_PERF_EVENTS=y");
    }
    const bool enough = ::geteuid() == 0 || std::strtol(level->c_str(), nullptr, 10) <= 1;
    return enough ? ok("perf_event_paranoid " + *level)
                  : warn("perf_event_paranoid " + *level + ": events that see the kernel are for root",
                         "sysctl kernel.perf_event_paranoid=1, or run as root");
}

Verdict swap(const Tree& tree) {
    const auto total = tree.meminfo_bytes("SwapTotal");
    const auto free = tree.meminfo_bytes("SwapFree");
    if (!total || !free) {
        return not_visible("swap");
    }
    const double used = static_cast<double>(*total - std::min(*total, *free)) / mib;
    return used == 0 ? ok(*total == 0 ? "no swap" : "no swap in use")
                     : warn(fmt::format("{:.0f} MiB of swap in use", used), "swapoff -a && swapon -a");
}

Verdict memory(const Tree& tree) {
    const auto total = tree.meminfo_bytes("MemTotal");
    if (!total) {
        return not_visible("memory");
    }
    const std::uint64_t left = available_memory_bytes(tree);
    std::string what = fmt::format("{:.0f} MiB of {:.0f} MiB memory available",
                                   static_cast<double>(left) / mib, static_cast<double>(*total) / mib);
    const char* remedy = "end what holds memory, or raise the control group's limit";
    if (left < least_memory_bytes) {
        return {"fail", std::move(what), remedy};
    }
    return static_cast<double>(left) >= least_free_share * static_cast<double>(*total)
               ? ok(std::move(what))
               : warn(std::move(what), remedy);
}

Verdict cgroup(const Tree& tree) {
    const CgroupLimits limits = cgroup_limits(tree);
    std::string what;
    if (limits.memory_bytes && *limits.memory_bytes < tree.meminfo_bytes("MemTotal").value_or(0)) {
        what = fmt::format("memory limit {:.0f} MiB", static_cast<double>(*limits.memory_bytes) / mib);
    }
    if (limits.cpus && *limits.cpus < tree.cpus()) {
        what += fmt::format("{}CPU quota of {:.2f} CPUs: trials are throttled", what.empty() ? "" : ", ",
                            *limits.cpus);
    }
    return what.empty()
               ? ok("no control-group limit below the host's own")
               : warn("the control group has a " + what, "start the container without --memory and --cpus");
}

Verdict core_pattern(const Tree& tree) {
    const auto pattern = tree.line("proc/sys/kernel/core_pattern");
    if (!pattern) {
        return not_visible("what happens to core dumps");
    }
    return pattern->starts_with('|')
               ? warn("a trial that crashes starts " + pattern->substr(1, pattern->find(' ')),
                      "sysctl kernel.core_pattern=core while measuring")
               : ok("core dumps start no program");
}

Verdict uptime(const Tree& tree) {
    const auto line = tree.line("proc/uptime");
    if (!line) {
        return not_visible("the time since boot");
    }
    const double seconds = std::strtod(line->c_str(), nullptr);
    return seconds >= least_uptime_s
               ? ok(fmt::format("up for {:.0f} min", seconds / 60))
               : warn(fmt::format("up for {:.0f} s only: services still start", seconds),
                      "wait some minutes");
}

struct Check {
    const char* id;
    Verdict (*run)(const Tree&);
};
constexpr Check checks[] = {
    {"load", load},
    {"pressure", pressure},
    {"steal", steal},
    {"governor", governor},
    {"turbo", turbo},
    {"smt", smt},
    {"virtualization", virtual_machine},
    {"clocksource", clocksource},
    {"thp", thp},
    {"aslr", aslr},
    {"perf_paranoid", perf_paranoid},
    {"swap", swap},
    {"memory", memory},
    {"cgroup", cgroup},
    {"core_pattern", core_pattern},
    {"uptime", uptime},
};

} // namespace

std::vector<DoctorFinding> check_noise(const Tree& tree) {
    std::vector<DoctorFinding> findings;
    for (const Check& check : checks) {
        Verdict verdict = check.run(tree);
        findings.push_back({check.id, verdict.status, std::move(verdict.what), std::move(verdict.remedy)});
    }
    return findings;
}

} // namespace faultline::host
