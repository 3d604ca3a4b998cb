// A time limit that does not run while this process itself stands still (SIGSTOP, a frozen cgroup, a debugger) or waits
// for a processor, and runs slower where many share them, so that nobody is accused of being slow who was not let run:
// what is watched is scheduled as its watcher is.
#pragma once

#include "workloads/engine/clock.hpp"
#include "workloads/engine/crowding.hpp"

#include <algorithm>
#include <cstdint>

namespace faultline::engine {

class Patience {
  public:
    explicit Patience(std::uint64_t limit_ns) : left_ns_(limit_ns) {}

    // By one thread, at least ten times a second; a longer pause than that between two calls counts as one of that length.
    bool over() {
        const std::uint64_t now = monotonic_ns();
        const std::uint64_t waited = waited_ns();
        const std::uint64_t passed = now - last_ns_;
        const std::uint64_t step =
            std::min(passed - std::min(passed, waited - last_waited_ns_), longest_step_ns);
        left_ns_ -= std::min(static_cast<std::uint64_t>(static_cast<double>(step) / crowding()), left_ns_);
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
