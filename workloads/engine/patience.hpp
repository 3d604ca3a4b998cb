// A time limit that does not run while this process itself stands still (SIGSTOP, a frozen cgroup, a debugger) or waits
// for a processor, and runs slower where many share them, so that nobody is accused of being slow who was not let run.
// Where it is known how what is watched is served (another priority, another part of the machine), that counts; else it
// is taken to be scheduled as its watcher is.
#pragma once

#include "workloads/engine/clock.hpp"
#include "workloads/engine/crowding.hpp"

#include <algorithm>
#include <cstdint>

namespace faultline::engine {

// What is watched, since the last question: the share of the time in which it ran or was ready to, and the share of that
// in which it ran.
struct Served {
    double wants = 0;
    double gets = 1;
};
// So that what spins for ever is found in the end, however little it is let run.
inline constexpr double least_served = 1.0 / 32;

// The share of the time that counts.
inline double counted_share(const Served& served, double crowding) {
    return served.wants * std::max(served.gets, least_served) + (1 - served.wants) / crowding;
}

class Patience {
  public:
    explicit Patience(std::uint64_t limit_ns) : left_ns_(limit_ns) {}

    // By one thread, at least ten times a second; a longer pause than that between two calls counts as one of that length.
    bool over(const Served& served = {}) {
        const std::uint64_t now = monotonic_ns();
        const std::uint64_t waited = waited_ns();
        const std::uint64_t passed = now - last_ns_;
        const std::uint64_t step =
            std::min(passed - std::min(passed, waited - last_waited_ns_), longest_step_ns);
        const double counted = static_cast<double>(step) * counted_share(served, crowding());
        left_ns_ -= std::min(static_cast<std::uint64_t>(counted), left_ns_);
        last_ns_ = now;
        last_waited_ns_ = waited;
        return left_ns_ == 0;
    }

  private:
    static constexpr std::uint64_t longest_step_ns = 200'000'000;
    std::uint64_t left_ns_;
    std::uint64_t last_ns_ = monotonic_ns();
    std::uint64_t last_waited_ns_ = waited_ns();
};

} // namespace faultline::engine
