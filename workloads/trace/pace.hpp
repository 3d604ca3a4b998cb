// Keeps a thread to the times of its trace: it sleeps until a call is due, and never makes up for being late by leaving
// anything out.
#pragma once

#include <cstdint>

namespace faultline::trace {

class Pace {
  public:
    // `percent` of the speed that was recorded: 200 plays twice as fast.
    void prepare(std::uint64_t percent) { percent_ = percent; }

    // The trace's first call is due now. On the thread that plays.
    void begin();

    // True when what was done `recorded_ns` after the first call should not be done yet.
    bool is_early(std::uint64_t recorded_ns);
    void sleep();

    std::uint64_t most_late_ns() const { return most_late_ns_; }

  private:
    // A sleep takes some 50 us to wake from: what is due within it is done now.
    static constexpr std::uint64_t slack_ns = 50'000;

    std::uint64_t percent_ = 100;
    std::uint64_t begin_ns_ = 0;
    std::uint64_t due_ns_ = 0;
    std::uint64_t most_late_ns_ = 0;
};

} // namespace faultline::trace
