// The perf-sw layer: the kernel's software events of the trial and all its threads and children.
//
// Opening is not working: an ordinary user may only open events that leave the kernel out, and these count
// page faults of user code but 0 switches and 0 migrations for ever, since both happen in the kernel. So each
// event is tried on a child that does a known thing, once in a process, and an event that did not count is
// not read.

#include "base/fd.hpp"
#include "kernel-probes/check/known_child.hpp"
#include "kernel-probes/layers.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/perf_event.h>
#include <map>
#include <sys/syscall.h>
#include <unistd.h>

namespace faultline::probes {
namespace {

struct Event {
    Metric metric;
    std::uint64_t config;
    KnownChild::Deed deed;
    std::uint32_t amount;
    std::uint64_t at_least; // what the deed must count
};

constexpr Metric counter(std::string_view name, std::string_view group, std::string_view help) {
    return {name, group, "perf-sw", Kind::counter, Scope::process, help};
}

constexpr std::uint32_t known_pages = 64;
constexpr std::uint32_t known_sleeps = 20;

constexpr Event events[] = {
    {counter("perf_page_faults", "faults",
             "PERF_COUNT_SW_PAGE_FAULTS, all threads and children; not those of populating calls"),
     PERF_COUNT_SW_PAGE_FAULTS, KnownChild::Deed::touch_pages, known_pages, known_pages},
    {counter("perf_minor_faults", "faults",
             "PERF_COUNT_SW_PAGE_FAULTS_MIN, all threads and children; not those of populating calls"),
     PERF_COUNT_SW_PAGE_FAULTS_MIN, KnownChild::Deed::touch_pages, known_pages, known_pages},
    // Proved where a file's pages can be dropped from the page cache, else taken to work as the minor ones
    // do: both are counted by one function, mm_account_fault().
    {counter("perf_major_faults", "faults", "PERF_COUNT_SW_PAGE_FAULTS_MAJ, all threads and children"),
     PERF_COUNT_SW_PAGE_FAULTS_MAJ, KnownChild::Deed::touch_file, 4, 4},
    {counter("task_clock_ns", "cpu", "PERF_COUNT_SW_TASK_CLOCK, all threads and children"),
     PERF_COUNT_SW_TASK_CLOCK, KnownChild::Deed::burn_ms, 2, 2'000'000},
    {counter("context_switches", "scheduling", "PERF_COUNT_SW_CONTEXT_SWITCHES, all threads and children"),
     PERF_COUNT_SW_CONTEXT_SWITCHES, KnownChild::Deed::sleep, known_sleeps, known_sleeps},
    {counter("cpu_migrations", "scheduling", "PERF_COUNT_SW_CPU_MIGRATIONS, all threads and children"),
     PERF_COUNT_SW_CPU_MIGRATIONS, KnownChild::Deed::migrate, 8, 8},
};
constexpr std::size_t event_count = std::size(events);

Fd open_event(const Event& event, pid_t pid, bool exclude_kernel) {
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = PERF_TYPE_SOFTWARE;
    attributes.config = event.config;
    attributes.inherit = 1;
    attributes.exclude_kernel = exclude_kernel ? 1 : 0;
    attributes.exclude_hv = exclude_kernel ? 1 : 0;
    return Fd(
        static_cast<int>(::syscall(SYS_perf_event_open, &attributes, pid, -1, -1, PERF_FLAG_FD_CLOEXEC)));
}

std::optional<std::uint64_t> read_count(const Fd& fd) {
    std::uint64_t count = 0;
    return fd && ::read(fd.get(), &count, sizeof count) == sizeof count ? std::optional(count) : std::nullopt;
}

// How an event is to be opened on this host, by trial.
struct Verdict {
    bool counts = false;
    bool exclude_kernel = false;
    int error = 0;          // errno of opening it
    std::uint64_t seen = 0; // of the known thing, when it did not count
};

Verdict try_event(const Event& event, KnownChild& child) {
    Verdict verdict;
    for (const bool exclude_kernel : {false, true}) {
        const Fd fd = open_event(event, child.pid(), exclude_kernel);
        verdict.exclude_kernel = exclude_kernel;
        verdict.error = fd ? 0 : errno;
        const auto before = read_count(fd);
        if (!before) {
            continue;
        }
        const bool done = child.do_deed(event.deed, event.amount);
        verdict.seen = read_count(fd).value_or(*before) - *before;
        // What cannot be done here (one CPU, no disk) is believed only of events that see the kernel.
        verdict.counts = done ? verdict.seen >= event.at_least : !exclude_kernel;
        return verdict;
    }
    return verdict;
}

using Verdicts = std::array<Verdict, event_count>;

Verdicts try_events() {
    Verdicts out;
    auto child = KnownChild::start();
    for (std::size_t i = 0; i < event_count; ++i) {
        if (child) {
            out[i] = try_event(events[i], *child);
        } else {
            out[i].error = EAGAIN;
        }
    }
    return out;
}

// Tried once for each user this process has been: who asks decides what the kernel allows.
const Verdicts& verdicts() {
    static std::map<uid_t, Verdicts> known;
    const uid_t user = ::geteuid();
    const auto found = known.find(user);
    return found != known.end() ? found->second : known.emplace(user, try_events()).first->second;
}

constexpr const char* permission_remedy = "run as root, or sysctl kernel.perf_event_paranoid=1";

Capability judge(std::string_view group) {
    Capability capability{std::string(group), "perf-sw", Status::ok, "", 0, ""};
    std::vector<std::string_view> blind;
    std::size_t members = 0;
    bool user_only = false;
    for (std::size_t i = 0; i < event_count; ++i) {
        if (events[i].metric.group != group) {
            continue;
        }
        ++members;
        const Verdict& verdict = verdicts()[i];
        user_only |= verdict.exclude_kernel;
        if (!verdict.counts) {
            blind.push_back(events[i].metric.name);
            capability.errno_value = verdict.error;
        }
    }
    if (!blind.empty()) {
        capability.status = blind.size() == members ? Status::unavailable : Status::degraded;
        capability.reason =
            capability.errno_value != 0
                ? fmt::format("cannot open {}: {}", fmt::join(blind, ", "),
                              strerrordesc_np(capability.errno_value))
                : fmt::format("opened, but counted nothing of a known deed: {}", fmt::join(blind, ", "));
        capability.remedy = permission_remedy;
    } else if (user_only && group != "cpu") { // the task clock runs in the kernel, too
        capability.status = Status::degraded;
        capability.reason = "only what user code causes: faults taken inside system calls are left out";
        capability.remedy = permission_remedy;
    }
    return capability;
}

class PerfSw : public Probe {
  public:
    explicit PerfSw(const Wanted& wanted) {
        for (std::size_t i = 0; i < event_count; ++i) {
            if (wanted(events[i].metric.group)) {
                chosen_.push_back(i);
                metrics_.push_back(events[i].metric);
            }
        }
    }

    std::string_view layer() const override { return "perf-sw"; }
    std::span<const Metric> metrics() const override { return metrics_; }

    std::vector<Capability> check() override {
        std::vector<Capability> capabilities;
        for (const Metric& metric : metrics_) {
            if (capabilities.empty() || capabilities.back().group != metric.group) {
                capabilities.push_back(judge(metric.group));
            }
        }
        return capabilities;
    }

    Result<void> attach(const Target& target) override {
        open_.clear();
        for (const std::size_t i : chosen_) {
            const Verdict& verdict = verdicts()[i];
            open_.push_back(verdict.counts ? open_event(events[i], target.pid, verdict.exclude_kernel)
                                           : Fd());
        }
        return {};
    }

    void mark(engine::Phase /*entered*/, Snapshot& snapshot) override {
        for (std::size_t i = 0; i < chosen_.size(); ++i) {
            snapshot.values.push_back({&events[chosen_[i]].metric, read_count(open_[i])});
        }
    }

    void finish() override { open_.clear(); }

  private:
    std::vector<std::size_t> chosen_; // indices into events
    std::vector<Metric> metrics_;
    std::vector<Fd> open_; // as chosen_; empty Fd: does not count here
};

} // namespace

std::unique_ptr<Probe> make_perf_sw(const Wanted& wanted) {
    return std::make_unique<PerfSw>(wanted);
}

} // namespace faultline::probes
