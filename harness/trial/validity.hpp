// What makes a trial count. Pure functions of what was observed, so that each rule has its test.
#pragma once

#include "allocators/registry/registry.hpp"
#include "harness/results/document.hpp"

#include <optional>
#include <span>
#include <string>

namespace faultline::trial {

struct Observation {
    results::ExitState exit;
    std::string stderr_tail;
    std::optional<std::uint64_t>
        memory_limit_exceeded_bytes;                     // the limit, when the runner killed the trial for it
    std::optional<std::uint64_t> out_of_memory_in_bytes; // the box's limit, when the kernel killed it there
    std::uint64_t timeout_s = 0;
    bool library_mapped = false; // the allocator's file was in /proc/PID/maps before the first operation
    std::optional<results::Json> report; // the worker's, when it wrote a whole one
    std::uint64_t measure_wall_ns = 0;
};

// A measured phase shorter than this is not timed by a clock that costs tens of nanoseconds to read, on a
// host whose scheduler ticks every few milliseconds.
inline constexpr std::uint64_t minimum_measure_ns = 200'000;

// A real program that ran for less is mostly its own start-up.
inline constexpr std::uint64_t minimum_app_measure_ns = 30'000'000;

// nullopt: valid. Else one line.
std::optional<std::string> why_invalid(const Observation& observation, const registry::Allocator& allocator);

// The same of a real program, from faultline-app's report: `library_mapped` plays no part, since every program that was
// executed says itself who answers its malloc.
std::optional<std::string> why_app_invalid(const Observation& observation,
                                           const registry::Allocator& allocator);

// Compares the checksums of one round: within a workload all valid trials must agree. Those that differ from
// the most frequent one become invalid; where none is most frequent, all of them do.
void judge_checksums(std::span<results::TrialResult> round);

} // namespace faultline::trial
