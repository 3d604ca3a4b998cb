// What counting by BPF costs a program that does nothing but fault: interleaved, medians, ns a page and the share
// added, for the groups that are measured by default, all that do not take times, and all. No verdict: times
// are the host's. Run it alone: probes_overhead [ROUNDS]
#include "kernel-probes/check/known_child.hpp"
#include "kernel-probes/probe.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

using namespace faultline::probes;

namespace {

constexpr std::uint32_t pages = 32768;

struct Setting {
    const char* name;
    std::vector<std::string> groups;
};

// One measurement: a fresh child, a warm-up, then the deed; absent when it could not be done.
std::optional<double> ns_a_page(const Setting& setting) {
    auto probes = make_probes(setting.groups);
    auto child = KnownChild::start();
    if (!probes || !child) {
        return std::nullopt;
    }
    for (const auto& probe : *probes) {
        if (probe->disturbs() && !probe->attach({child->pid()})) {
            return std::nullopt;
        }
    }
    child->do_deed(KnownChild::Deed::touch_pages, pages / 8);
    const auto begin = std::chrono::steady_clock::now();
    const bool done = child->do_deed(KnownChild::Deed::touch_pages, pages);
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    return done ? std::optional(took.count() / pages) : std::nullopt;
}

} // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 11;
    const std::vector<Setting> settings = {
        {"none", {"none"}},
        {"faults", {"faults"}},
        {"fault_kinds", {"faults", "fault_kinds"}},
        {"pages", {"pages"}},
        {"default", {}},
        {"all but times",
         {"faults", "fault_kinds", "pages", "slab", "vmalloc", "pagecache", "swap", "reclaim", "compaction",
          "oom", "tlb", "syscalls", "refaults"}},
        {"latency", {"faults", "latency"}},
        {"all", {"all"}},
    };
    std::vector<std::vector<double>> taken(settings.size());
    for (int round = 0; round < rounds; ++round) {
        for (std::size_t i = 0; i < settings.size(); ++i) {
            const std::size_t which = round % 2 == 0 ? i : settings.size() - 1 - i;
            if (const auto ns = ns_a_page(settings[which])) {
                taken[which].push_back(*ns);
            }
        }
    }
    double baseline = 0;
    for (std::size_t i = 0; i < settings.size(); ++i) {
        auto& all = taken[i];
        if (all.empty()) {
            std::printf("%-14s could not be measured\n", settings[i].name);
            continue;
        }
        std::nth_element(all.begin(), all.begin() + static_cast<long>(all.size() / 2), all.end());
        const double median = all[all.size() / 2];
        baseline = i == 0 ? median : baseline;
        std::printf("%-14s %8.1f ns a page  %+6.1f %%\n", settings[i].name, median,
                    100 * (median / baseline - 1));
    }
    return 0;
}
