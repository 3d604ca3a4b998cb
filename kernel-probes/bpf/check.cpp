#include "kernel-probes/bpf/check.hpp"

#include "kernel-probes/check/known_child.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace faultline::probes::bpf {
namespace {

using Deed = KnownChild::Deed;

// A deed, and how much of a metric it is worth at least.
struct Expectation {
    std::string_view metric;
    Deed deed;
    std::uint32_t amount;
    std::uint32_t size;
    std::uint64_t at_least;
    std::string_view remedy = "run on the host itself, and report the kernel's version";
};

constexpr Expectation expectations[] = {
    {"faults_minor", Deed::touch_pages, 64, 0, 64},
    {"faults_user_mode", Deed::touch_pages, 64, 0, 64},
    {"faults_anonymous", Deed::touch_pages, 64, 0, 64,
     "Linux 6.2 or newer: before, rss_stat tells of 64 pages at a time"},
    {"fault_ns", Deed::touch_pages, 64, 0, 64 * 50},
    {"alloc_pages_pages", Deed::touch_pages, 64, 0, 64},
    {"free_pages_pages", Deed::touch_shared, 64, 0, 64},
    {"kmalloc_calls", Deed::send_control, 16, 1000, 16},
    {"slab_alloc_calls", Deed::map_unmap, 16, 4096, 16},
    {"vmap_alloc_calls", Deed::attach_filter, 4, 2000, 4},
    {"pagecache_read_pages", Deed::read_file, 16, 0, 16},
    {"mmap_calls", Deed::map_unmap, 16, 4096, 16},
};

// Groups of events that nobody can bring about at will on a healthy host.
constexpr std::string_view unprovable[] = {"refaults", "reclaim", "compaction", "oom", "tlb"};

const Row* row_named(std::string_view metric) {
    const auto all = rows();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Row& r) { return r.metric.name == metric; });
    return found == all.end() ? nullptr : &*found;
}

std::vector<std::string_view> groups_of(const Wanted& wanted) {
    std::vector<std::string_view> groups;
    for (const Row& row : rows()) {
        if (wanted(row.metric.group) &&
            std::find(groups.begin(), groups.end(), row.metric.group) == groups.end()) {
            groups.push_back(row.metric.group);
        }
    }
    return groups;
}

Capability capability(std::string_view group, Status status, std::string reason, int error,
                      std::string remedy) {
    return {std::string(group), std::string(layer), status, std::move(reason), error, std::move(remedy)};
}

Verdict nothing_counts(const Wanted& wanted, const Refusal& refusal) {
    Verdict verdict;
    for (const std::string_view group : groups_of(wanted)) {
        verdict.capabilities.push_back(capability(group, Status::unavailable, refusal.error.what,
                                                  refusal.errno_value, refusal.error.remedy));
    }
    for (const Row& row : rows()) {
        verdict.blind.emplace(row.metric.name);
    }
    return verdict;
}

void mark_blind(Verdict& verdict, std::string_view group) {
    for (const Row& row : rows()) {
        if (row.metric.group == group) {
            verdict.blind.emplace(row.metric.name);
        }
    }
}

// What keeps metrics of the group away: programs that this kernel cannot have.
Capability presence(std::string_view group, const Programs& programs, Verdict& verdict) {
    std::size_t members = 0;
    std::vector<std::string_view> absent;
    std::string reason;
    for (const Row& row : rows()) {
        if (row.metric.group != group) {
            continue;
        }
        ++members;
        const auto missing = programs.missing().find(row.program);
        if (missing != programs.missing().end()) {
            absent.push_back(row.metric.name);
            verdict.blind.emplace(row.metric.name);
            reason = missing->second;
        }
    }
    if (absent.empty()) {
        return capability(group, Status::ok, "", 0, "");
    }
    const bool all = absent.size() == members;
    return capability(group, all ? Status::unavailable : Status::degraded,
                      all ? reason : fmt::format("{}: no {}", reason, fmt::join(absent, ", ")), ENOENT,
                      "another kernel, or do without");
}

// Nothing: it counted. Else what it counted instead.
std::optional<std::string> failure_of(const Expectation& expected, const Programs& programs,
                                      KnownChild& child) {
    const counter_id counter = row_named(expected.metric)->counter;
    const auto before = programs.totals();
    const bool done = child.do_deed(expected.deed, expected.amount, expected.size);
    const auto after = programs.totals();
    if (!before || !after) {
        return "the counters could not be read";
    }
    const std::uint64_t counted = after->value[counter] - before->value[counter];
    if (!done || counted >= expected.at_least) { // what cannot be done here proves nothing
        return std::nullopt;
    }
    return fmt::format("{} counted {} of a deed worth {}", expected.metric, counted, expected.at_least);
}

void judge(Capability& capability, const Programs& programs, KnownChild& child, Verdict& verdict) {
    const auto missing = [&](std::string_view program) { return programs.missing().contains(program); };
    for (const Expectation& expected : expectations) {
        const Row* row = row_named(expected.metric);
        if (row->metric.group != capability.group || missing(row->program)) {
            continue;
        }
        if (const auto failure = failure_of(expected, programs, child)) {
            capability.status = Status::unavailable;
            capability.reason = *failure;
            capability.remedy = expected.remedy;
            mark_blind(verdict, capability.group);
            return;
        }
    }
    const bool proved =
        std::find(std::begin(unprovable), std::end(unprovable), capability.group) == std::end(unprovable);
    if (capability.status == Status::ok && !proved) {
        capability.status = Status::degraded;
        capability.reason = "attached, but not proved: nothing brings this about on a host at rest";
        capability.remedy = "a trial with --memory-limit and --swap shows it at work";
    }
}

} // namespace

Verdict check(const Wanted& wanted) {
    auto child = KnownChild::start();
    if (!child) {
        return nothing_counts(wanted, {child.error(), EAGAIN});
    }
    child->do_deed(Deed::make_file, 16);
    auto programs = Programs::load(wish_for(wanted));
    if (!programs) {
        return nothing_counts(wanted, programs.error());
    }
    if (auto attached = programs->attach(child->pid()); !attached) {
        return nothing_counts(wanted, attached.error());
    }
    Verdict verdict;
    for (const std::string_view group : groups_of(wanted)) {
        Capability capability = presence(group, *programs, verdict);
        if (capability.status != Status::unavailable) {
            judge(capability, *programs, *child, verdict);
        }
        verdict.capabilities.push_back(std::move(capability));
    }
    return verdict;
}

} // namespace faultline::probes::bpf
