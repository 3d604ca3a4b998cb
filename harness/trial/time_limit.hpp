// A trial's time limit. Where the harness itself does not run (stopped, frozen with its control group, a host that stood
// still), the worker mostly does not either: such time does not count, so that a trial is not stopped for it.
#pragma once

#include <cstdint>

namespace faultline::trial {

class TimeLimit {
  public:
    // Two looks apart by more than this are by a harness that did not run in between; it looks every 20 ms.
    static constexpr std::uint64_t longest_step_ns = 1'000'000'000;

    TimeLimit(std::uint64_t limit_ns, std::uint64_t now_ns) : left_ns_(limit_ns), seen_ns_(now_ns) {}

    // `now_ns`: CLOCK_MONOTONIC, never less than before. Whether more than the limit has passed.
    bool passed(std::uint64_t now_ns) {
        const std::uint64_t step = now_ns - seen_ns_;
        seen_ns_ = now_ns;
        if (step > longest_step_ns) {
            stood_still_ns_ += step;
        } else if (step > left_ns_) {
            passed_ = true;
        } else {
            left_ns_ -= step;
        }
        return passed_;
    }

    // What did not count, which a trial's elapsed time has in it.
    std::uint64_t stood_still_ns() const { return stood_still_ns_; }

  private:
    std::uint64_t left_ns_;
    std::uint64_t seen_ns_;
    std::uint64_t stood_still_ns_ = 0;
    bool passed_ = false;
};

} // namespace faultline::trial
