// What counting by BPF costs a program that does nothing but fault: ns of CPU time a page, and the share added to
// the same round's measurement without, medians of interleaved rounds. No verdict: times are the host's.
// Run it alone: probes_overhead [ROUNDS [SETTING...]]
#include "kernel-probes/check/known_child.hpp"
#include "kernel-probes/probe.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <string_view>
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
    std::vector<Setting> settings = {
        {"none", {"none"}},
        {"faults", {"faults"}},
        {"fault_kinds", {"faults", "fault_kinds"}},
        {"pages", {"pages"}},
        {"default, timed", {}, {.timed = true}},
        {"default", {}},
        {"all but times, refaults",
         {"faults", "memcg_events", "fault_kinds", "pages", "page_frees", "slab", "vmalloc", "pagecache",
          "reclaim", "compaction", "oom", "tlb", "syscalls"}},
        {"all but times",
         {"faults", "memcg_events", "fault_kinds", "pages", "page_frees", "slab", "vmalloc", "pagecache",
          "reclaim", "compaction", "oom", "tlb", "syscalls", "refaults"}},
        {"latency", {"faults", "latency"}},
        {"all", {"all"}},
    };
    const std::set<std::string_view> chosen(argv + std::min(argc, 2), argv + argc);
    std::erase_if(settings, [&](const Setting& setting) {
        return !chosen.empty() && setting.name != std::string_view("none") && !chosen.contains(setting.name);
    });
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
        std::vector<double> added; // in % of the same round's measurement without probes
        for (std::size_t round = 0; round < std::min(taken[i].size(), taken[0].size()); ++round) {
            added.push_back(100 * (taken[i][round] / taken[0][round] - 1));
        }
        if (added.empty()) {
            std::printf("%-24s could not be measured\n", settings[i].name);
            continue;
        }
        std::sort(added.begin(), added.end());
        std::printf("%-24s %8.1f ns a page  %+6.1f %%  (quarters of %zu rounds: %+.1f to %+.1f %%)\n",
                    settings[i].name, median(taken[i]), median(added), added.size(), added[added.size() / 4],
                    added[added.size() - 1 - added.size() / 4]);
    }
    return 0;
}
