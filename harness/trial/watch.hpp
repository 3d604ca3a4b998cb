// Watches a released worker: answers its phase marks, takes the probes' snapshots while it stands still,
// collects what it prints, and stops it at its time-out, its memory limit or the user's wish.
#pragma once

#include "harness/process/process.hpp"
#include "harness/trial/trial.hpp"

#include <array>

namespace faultline::trial {

struct Watched {
    std::uint64_t begin_ns = 0;                                    // release, CLOCK_MONOTONIC
    std::array<std::uint64_t, engine::phase_count> phase_end_ns{}; // 0: not reached
    std::vector<probes::Snapshot> snapshots;                       // at the end of each phase, in order
    bool library_mapped = false;
    struct {
        std::uint64_t cpu_ns = 0;
        std::uint64_t minor_faults = 0;
    } before_release; // what the process used as a copy of the runner, which is not the trial's
    std::optional<std::uint64_t> baseline_rss_bytes; // of the process, when phase start ended
    std::optional<std::uint64_t> peak_rss_bytes;     // of the process, when phase idle ended
    std::optional<std::uint64_t> final_rss_bytes;    // then too
    std::uint64_t stood_still_ns = 0; // while the harness itself did not run, which no time limit counts
    std::string output_tail;
    bool timed_out = false;
    bool memory_exceeded = false;
    bool stopped = false;
};

Watched watch(process::Process& process, int phase_fd, const std::filesystem::path& library,
              std::uint64_t timeout_s, const Settings& settings,
              std::span<const std::unique_ptr<probes::Probe>> probes);

} // namespace faultline::trial
