#include "harness/trial/validity.hpp"

#include "harness/process/observe.hpp"
#include "workloads/engine/protocol.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <map>
#include <vector>

namespace faultline::trial {
namespace {

using results::Json;

// The entry points a trial must prove; the worker reports more.
constexpr const char* required_symbols[] = {"malloc",  "free",     "calloc",
                                            "realloc", "memalign", "operator new"};

std::string with_stderr(const std::string& reason, const Observation& observation) {
    const std::string said = process::last_line(observation.stderr_tail);
    return said.empty() ? reason : reason + ": " + said;
}

std::optional<std::string> bad_exit(const Observation& observation) {
    if (observation.memory_limit_exceeded_bytes) {
        return "used more than the memory limit of " +
               std::to_string(*observation.memory_limit_exceeded_bytes >> 20) + " MiB and was stopped";
    }
    if (observation.out_of_memory_in_bytes) {
        return "was killed by the kernel: no memory left within its box of " +
               std::to_string(*observation.out_of_memory_in_bytes >> 20) + " MiB";
    }
    if (observation.exit.timed_out) {
        return "did not end within " + std::to_string(observation.timeout_s) + " s and was stopped";
    }
    if (observation.exit.signal) {
        const char* name = ::sigabbrev_np(*observation.exit.signal);
        return with_stderr(std::string("killed by SIG") + (name != nullptr ? name : "?"), observation);
    }
    const int status = observation.exit.status.value_or(-1);
    if (status == engine::worker_no_memory) {
        return with_stderr("the allocator returned NULL", observation);
    }
    if (status == engine::worker_corrupt) {
        return with_stderr("a block did not hold what was written to it", observation);
    }
    if (status != 0) {
        return with_stderr("exited with status " + std::to_string(status), observation);
    }
    return std::nullopt;
}

std::optional<std::string> wrong_answer(const Json& resolved, const registry::Allocator& allocator) {
    for (const auto& [symbol, path] : resolved.items()) {
        if (path.is_string()) {
            std::string complaint = registry::judge_resolution(allocator, symbol, path.get<std::string>());
            if (!complaint.empty()) {
                return complaint;
            }
        }
    }
    return std::nullopt;
}

std::optional<std::string> not_proven(const Json& report, const registry::Allocator& allocator) {
    const auto resolved = report.find("resolved");
    if (resolved == report.end() || !resolved->is_object()) {
        return "the worker did not say who answers malloc";
    }
    for (const char* symbol : required_symbols) {
        const auto entry = resolved->find(symbol);
        if (entry == resolved->end() || !entry->is_string()) {
            return std::string("the worker did not say who answers ") + symbol;
        }
    }
    return wrong_answer(*resolved, allocator);
}

// Every program that was executed must have said that all its calls reach the allocator. operator new is there in those
// that have C++ only.
std::optional<std::string> programs_not_proven(const Json& report, const registry::Allocator& allocator) {
    const auto unproved = report.find("unproved");
    if (unproved != report.end() && unproved->is_array() && !unproved->empty()) {
        return "the allocator is not in " + unproved->front().get<std::string>();
    }
    const auto processes = report.find("processes");
    if (processes == report.end() || !processes->is_array() || processes->empty()) {
        return "no program said who answers its malloc";
    }
    for (const Json& process : *processes) {
        const Json& resolved = process.at("resolved");
        for (const char* symbol : required_symbols) {
            if (!resolved.contains(symbol) && std::string_view(symbol) != "operator new") {
                return process.at("program").get<std::string>() + " did not say who answers " + symbol;
            }
        }
        if (auto complaint = wrong_answer(resolved, allocator)) {
            return process.at("program").get<std::string>() + ": " + *complaint;
        }
    }
    return std::nullopt;
}

} // namespace

std::optional<std::string> why_invalid(const Observation& observation, const registry::Allocator& allocator) {
    if (auto reason = bad_exit(observation)) {
        return reason;
    }
    if (!observation.report) {
        return with_stderr("the worker left no whole report", observation);
    }
    if (!observation.library_mapped) {
        return "the library was not mapped into the worker";
    }
    if (auto reason = not_proven(*observation.report, allocator)) {
        return reason;
    }
    if (observation.measure_wall_ns < minimum_measure_ns) {
        return "measured for " + std::to_string(observation.measure_wall_ns) + " ns only, less than " +
               std::to_string(minimum_measure_ns) +
               " ns; give the workload more operations, or a trace more turns with FILE:repeat=N";
    }
    return std::nullopt;
}

std::optional<std::string> why_app_invalid(const Observation& observation,
                                           const registry::Allocator& allocator) {
    if (auto reason = bad_exit(observation)) {
        return reason;
    }
    if (!observation.report) {
        return with_stderr("faultline-app left no whole report", observation);
    }
    const Json& report = *observation.report;
    const auto failure = report.find("failure");
    if (failure != report.end() && failure->is_string()) {
        return failure->get<std::string>();
    }
    if (auto reason = programs_not_proven(report, allocator)) {
        return reason;
    }
    if (observation.measure_wall_ns < minimum_app_measure_ns) {
        return fmt::format("ran for {:.1f} ms only, less than {:.0f} ms: most of it is the program's start; "
                           "give it more work",
                           static_cast<double>(observation.measure_wall_ns) / 1e6,
                           static_cast<double>(minimum_app_measure_ns) / 1e6);
    }
    return std::nullopt;
}

void judge_checksums(std::span<results::TrialResult> round) {
    std::map<std::string, std::vector<results::TrialResult*>> by_workload;
    for (results::TrialResult& trial : round) {
        if (trial.valid()) {
            by_workload[trial.workload].push_back(&trial);
        }
    }
    for (const auto& [workload, trials] : by_workload) {
        std::map<std::string, unsigned> votes;
        for (const results::TrialResult* trial : trials) {
            ++votes[trial->checksum];
        }
        const auto most = std::max_element(votes.begin(), votes.end(),
                                           [](const auto& a, const auto& b) { return a.second < b.second; });
        const bool tie = std::count_if(votes.begin(), votes.end(),
                                       [&](const auto& vote) { return vote.second == most->second; }) > 1;
        for (results::TrialResult* trial : trials) {
            if (tie || trial->checksum != most->first) {
                trial->invalid_reason = "checksum " + trial->checksum +
                                        (tie ? " differs between the allocators of this round"
                                             : " differs from " + most->first + " of the other allocators");
            }
        }
    }
}

} // namespace faultline::trial
