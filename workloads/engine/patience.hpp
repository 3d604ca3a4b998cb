// A time limit that does not run while this process itself stands still (SIGSTOP, a frozen cgroup, a debugger), and runs
// slower where many share the processors, so that nobody is accused of being slow who was not let run.
#pragma once

#include "workloads/engine/clock.hpp"
#include "workloads/engine/crowding.hpp"

#include <algorithm>
#include <cstdint>

namespace faultline::engine {

class Patience {
  public:
    explicit Patience(std::uint64_t limit_ns) : left_ns_(limit_ns) {}

    // Asked at least ten times a second; a longer pause than that between two calls counts as one of that length.
    bool over() {
        const std::uint64_t now = monotonic_ns();
        const std::uint64_t step = std::min(now - last_ns_, longest_step_ns);
        left_ns_ -= std::min(static_cast<std::uint64_t>(static_cast<double>(step) / crowding()), left_ns_);
        last_ns_ = now;
        return left_ns_ == 0;
    }

  private:
    static constexpr std::uint64_t longest_step_ns = 200'000'000;
    std::uint64_t left_ns_;
    std::uint64_t last_ns_ = monotonic_ns();
};

} // namespace faultline::engine
