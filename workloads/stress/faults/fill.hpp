// The worker that fills a memory cgroup until the kernel ends it: blocks from 64 bytes to 16 KiB, written whole, and
// older ones looked at in between, so that what goes wrong before the end is seen.
#pragma once

#include "workloads/stress/ordeal/options.hpp"
#include "workloads/stress/ordeal/pulse.hpp"

namespace faultline::stress {

inline constexpr std::uint64_t most_filled_bytes = 1ULL << 30; // then it gives up: there is no limit

// Returns when malloc gives NULL, which it may.
void run_fill(const OrdealOptions& options, Pulse& pulse);

} // namespace faultline::stress
