// What counting by BPF costs a program that does nothing but fault: interleaved, medians, ns of CPU time a page and the share
// added to the median, for the groups that are measured by default, all that do not take times, and all. No
// verdict: times are the host's. Run it alone: probes_overhead [ROUNDS]
#include "kernel-probes/check/known_child.hpp"
#include "kernel-probes/probe.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <time.h>
#include <vector>

using namespace faultline::probes;

namespace {

constexpr std::uint32_t pages = 8192;
constexpr int deeds = 7;

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<long>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

struct Setting {
    const char* name;
    std::vector<std::string> groups;
    Circumstances circumstances = {};
};

// What the process used of CPUs, user and system: what others do beside it disturbs this less than the clock.
double cpu_ns(pid_t pid) {
    clockid_t clock = 0;
    timespec now{};
    ::clock_getcpuclockid(pid, &clock);
    ::clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// One measurement: a fresh child, a warm-up, then the median of some deeds; absent when one could not be done.
std::optional<double> ns_a_page(const std::vector<std::unique_ptr<Probe>>& probes) {
    auto child = KnownChild::start();
    if (!child) {
        return std::nullopt;
    }
    for (const auto& probe : probes) {
        if (probe->disturbs() && !probe->attach({child->pid()})) {
            return std::nullopt;
        }
    }
    child->do_deed(KnownChild::Deed::touch_pages, pages);
    std::vector<double> taken;
    bool done = true;
    for (int i = 0; i < deeds; ++i) {
        const double begin = cpu_ns(child->pid());
        done = child->do_deed(KnownChild::Deed::touch_pages, pages) && done;
        taken.push_back((cpu_ns(child->pid()) - begin) / pages);
    }
    for (const auto& probe : probes) {
        probe->finish();
    }
    return done ? std::optional(median(taken)) : std::nullopt;
}

} // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 11;
    const std::vector<Setting> settings = {
        {"none", {"none"}},
        {"faults", {"faults"}},
        {"fault_kinds", {"faults", "fault_kinds"}},
        {"pages", {"pages"}},
        {"default, timed", {}, {.timed = true}},
        {"default", {}},
        {"all but times",
         {"faults", "memcg_events", "fault_kinds", "pages", "page_frees", "slab", "vmalloc", "pagecache",
          "reclaim", "compaction", "oom", "tlb", "syscalls", "refaults"}},
        {"latency", {"faults", "latency"}},
        {"all", {"all"}},
    };
    std::vector<std::vector<std::unique_ptr<Probe>>> probes;
    probes.reserve(settings.size());
    for (const Setting& setting : settings) {
        probes.push_back(make_probes(setting.groups, setting.circumstances).value());
    }
    std::vector<std::vector<double>> taken(settings.size());
    for (int round = 0; round < rounds; ++round) {
        for (std::size_t i = 0; i < settings.size(); ++i) {
            const std::size_t which = round % 2 == 0 ? i : settings.size() - 1 - i;
            if (const auto ns = ns_a_page(probes[which])) {
                taken[which].push_back(*ns);
            }
        }
    }
    for (std::size_t i = 0; i < settings.size(); ++i) {
        if (taken[i].empty() || taken[0].empty()) {
            std::printf("%-14s could not be measured\n", settings[i].name);
            continue;
        }
        const double middle = median(taken[i]);
        const double least = *std::min_element(taken[i].begin(), taken[i].end());
        std::printf("%-14s %8.1f ns a page  %+6.1f %%  (least %8.1f ns)\n", settings[i].name, middle,
                    100 * (middle / median(taken[0]) - 1), least);
    }
    return 0;
}
