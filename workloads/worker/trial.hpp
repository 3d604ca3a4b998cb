// One workload through all its phases, inside Google Benchmark's timing of one manual iteration.
#pragma once

#include "base/error.hpp"
#include "workloads/catalog/catalog.hpp"
#include "workloads/engine/phases.hpp"

#include <cstdint>
#include <string>

namespace faultline::worker {

struct TrialOptions {
    const engine::WorkloadSpec* spec;
    engine::Arguments arguments;
    std::uint64_t idle_ms = 0;
    int report_fd = -1; // < 0: no report; Google Benchmark's own reporter writes to standard output instead
    int occupancy_fd = -1; // < 0: a timed trial; else the memory file of an engine::OccupancyBoard
};

// Runs the trial as the one benchmark of this process. `gate` has been made at the process's start.
Result<void> run_trial(const TrialOptions& options, engine::PhaseGate& gate);

} // namespace faultline::worker
