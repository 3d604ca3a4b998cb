#include "workloads/trace/pace.hpp"

#include "workloads/engine/clock.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/prctl.h>

namespace faultline::trace {

void Pace::begin() {
    ::prctl(PR_SET_TIMERSLACK, 1000UL); // ns; otherwise each sleep may take 50 us longer than asked for
    begin_ns_ = engine::monotonic_ns();
}

bool Pace::is_early(std::uint64_t recorded_ns) {
    due_ns_ = begin_ns_ + static_cast<std::uint64_t>(static_cast<double>(recorded_ns) * 100 /
                                                     static_cast<double>(percent_));
    const std::uint64_t now = engine::monotonic_ns();
    if (now >= due_ns_) {
        most_late_ns_ = std::max(most_late_ns_, now - due_ns_);
    }
    return due_ns_ > now + slack_ns;
}

void Pace::sleep() {
    const timespec until{static_cast<time_t>(due_ns_ / 1'000'000'000),
                         static_cast<long>(due_ns_ % 1'000'000'000)};
    while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
    }
}

} // namespace faultline::trace
