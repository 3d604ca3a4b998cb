// One trial: a fresh worker process with the allocator preloaded, watched from its first instruction to its
// last.
#pragma once

#include "harness/box/box.hpp"
#include "harness/plan/plan.hpp"
#include "harness/process/environment.hpp"
#include "harness/results/document.hpp"
#include "kernel-probes/probe.hpp"

#include <memory>
#include <span>

namespace faultline::trial {

// Of the files that a trial begins with: its programs, its allocator, its trace. Dropped is what the kernel holds of
// all files, which needs root.
enum class PageCache { as_it_is, dropped, warmed };

struct Settings {
    process::Variables variables;         // the worker's, without LD_PRELOAD
    std::uint64_t memory_limit_bytes = 0; // resident memory at which a trial is stopped
    std::uint64_t sample_interval_ns = 10'000'000;
    box::Box* box = nullptr; // the pressure box of the run, whose limit is memory_limit_bytes; null: none
    PageCache page_cache = PageCache::as_it_is; // when a trial begins
    bool occupancy = false; // keep what live blocks occupy, instead of a time: workloads/engine/occupancy.hpp
    int stop_fd = -1;       // becomes readable when the user wants to stop
};

// Runs it to its end, its time-out, its memory limit or the user's stop, and says what happened: a trial that
// fails is a result with `invalid_reason`. An Error means that the runner itself could not do its part.
// Interrupted: `stopped`.
struct Outcome {
    results::TrialResult result;
    bool stopped = false;
};
Result<Outcome> run(const plan::Plan& plan, const plan::TrialSpec& spec, const Settings& settings,
                    std::span<const std::unique_ptr<probes::Probe>> probes);

} // namespace faultline::trial
