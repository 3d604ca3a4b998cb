// The worker's end of protocol.hpp: phases, their clocks, and the gate at which a parent takes its snapshots.
#pragma once

#include "workloads/engine/protocol.hpp"

#include <array>
#include <cstdint>

namespace faultline::engine {

// getrusage(2) of the whole process: all threads, those that ended included.
struct Usage {
    std::uint64_t user_ns = 0;
    std::uint64_t system_ns = 0;
    std::uint64_t minor_faults = 0;
    std::uint64_t major_faults = 0;
    std::uint64_t voluntary_switches = 0;
    std::uint64_t involuntary_switches = 0;
};

struct PhaseTimes {
    std::uint64_t begin_ns = 0; // CLOCK_MONOTONIC
    std::uint64_t wall_ns = 0;
    std::uint64_t cpu_ns = 0; // CLOCK_PROCESS_CPUTIME_ID: all threads
    Usage usage;
    bool entered = false;
};

class PhaseGate {
  public:
    // Phase `start` begins here for the wall clock, and with the process for the CPU clock. `fd` < 0: nobody
    // is told.
    explicit PhaseGate(int fd);

    // Ends the phase before, tells the parent, waits for its leave, begins `phase`. Both clocks are read
    // right inside, the rest of the process's usage around them: while the worker stands at the gate neither
    // phase runs. A parent that is gone ends the worker with EX_IOERR. Takes no memory.
    void enter(Phase phase);

    const PhaseTimes& times(Phase phase) const { return times_[static_cast<std::size_t>(phase)]; }

  private:
    int fd_;
    Phase current_ = Phase::start;
    std::uint64_t cpu_begin_ns_ = 0;
    Usage usage_begin_;
    std::array<PhaseTimes, phase_count + 1> times_{};
};

} // namespace faultline::engine
