#include "harness/monitor/source.hpp"

#include "base/file.hpp"
#include "kernel-probes/tree.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <sstream>
#include <time.h>

namespace faultline::monitor {
namespace {

using probes::Probe;

// What /proc says of a process, and of no other.
const std::vector<std::string> of_a_process = {"faults", "cpu", "rss"};

std::unique_ptr<Probe> procfs_of_a_process() {
    auto all = probes::make_probes(of_a_process);
    for (auto& probe : *all) {
        if (probe->layer() == "procfs") {
            return std::move(probe);
        }
    }
    return nullptr;
}

bool is_of_a_process(const probes::Metric& metric) {
    return metric.layer == "procfs" && metric.scope != probes::Scope::host;
}

} // namespace

Result<Source> Source::attach(pid_t root, const std::vector<std::string>& groups) {
    auto all = probes::make_probes(groups);
    if (!all) {
        return tl::unexpected(all.error());
    }
    if (probes::threads_of(root).empty()) {
        return fail(Exit::unavailable, std::to_string(root), "is no process that this user can see");
    }
    Source source(root);
    for (auto& probe : *all) {
        if (probe->layer() == "perf-sw") {
            continue; // follows only what is not running yet
        }
        bool counts = false;
        for (const probes::Capability& capability : probe->check()) {
            counts = counts || capability.status != probes::Status::unavailable;
            if (capability.status == probes::Status::unavailable) {
                source.missing_.push_back(fmt::format("{} ({}): {}; {}", capability.group, capability.layer,
                                                      capability.reason, capability.remedy));
            }
        }
        if (!counts) {
            continue;
        }
        if (auto attached = probe->attach({root}); !attached) {
            source.missing_.push_back(attached.error().line());
            continue;
        }
        source.probes_.push_back(std::move(probe));
    }
    source.follow_tree();
    return source;
}

void Source::follow_tree() {
    const auto tree = probes::process_tree(root_);
    std::erase_if(members_, [&](const Member& member) {
        return std::find(tree.begin(), tree.end(), member.pid) == tree.end();
    });
    for (const pid_t pid : tree) {
        const bool known = std::any_of(members_.begin(), members_.end(),
                                       [pid](const Member& member) { return member.pid == pid; });
        auto procfs = known ? nullptr : procfs_of_a_process();
        if (procfs && procfs->attach({pid})) {
            members_.push_back({pid, std::move(procfs)});
        }
    }
}

Sample Source::take() {
    follow_tree();
    Sample sample;
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    sample.at_ns =
        static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
    for (const auto& probe : probes_) {
        probes::Snapshot snapshot;
        probe->mark(engine::Phase::measure, snapshot);
        std::erase_if(snapshot.values, [](const probes::Value& v) { return is_of_a_process(*v.metric); });
        add(sample, snapshot);
    }
    for (const Member& member : members_) {
        probes::Snapshot snapshot;
        member.procfs->mark(engine::Phase::measure, snapshot);
        std::erase_if(snapshot.values, [](const probes::Value& v) { return !is_of_a_process(*v.metric); });
        add(sample, snapshot);
        ++sample.processes;
        sample.threads += static_cast<unsigned>(probes::threads_of(member.pid).size());
        if (!sample.slabuddy) {
            sample.slabuddy = read_slabuddy(member.pid);
        }
    }
    return sample;
}

std::string Source::title() const {
    std::string line = read_file(fmt::format("/proc/{}/cmdline", root_)).value_or("");
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c < ' ' || c > '~'; }, ' '); // nothing moves the cursor
    return line.substr(0, line.find_last_not_of(' ') + 1);
}

std::string Source::allocator() const {
    std::istringstream maps(read_file(fmt::format("/proc/{}/maps", root_)).value_or(""));
    for (std::string line; std::getline(maps, line);) {
        std::string file = line.substr(line.rfind('/') + 1);
        for (const char* name : {"libslabuddy", "libjemalloc", "libmimalloc", "libtcmalloc", "libtbbmalloc",
                                 "libclang_rt.scudo"}) {
            if (line.find('/') != std::string::npos && file.starts_with(name)) {
                return file;
            }
        }
    }
    return "";
}

} // namespace faultline::monitor
