// The worker's side of random operations: runs in the process with the allocator under test.
#pragma once

#include "workloads/stress/ordeal/options.hpp"
#include "workloads/stress/ordeal/pulse.hpp"
#include "workloads/stress/random/calls.hpp"
#include "workloads/stress/random/resident.hpp"

namespace faultline::stress {

inline constexpr const char* with_forks = "forks"; // options.variant of a run whose threads fork

// Episode after episode, each a few times, for options.seconds, with an eye on what stays resident after each, or
// on `held_bytes` where it is not null. The first that goes wrong ends the process.
void run_episodes(const Calls& calls, const OrdealOptions& options, Pulse& pulse,
                  HeldBytes held_bytes = nullptr);

// One plan (plan_file.hpp) from a descriptor, options.repeat times, or for options.seconds in free order.
void run_plan(const Calls& calls, const OrdealOptions& options, Pulse& pulse, int plan_fd);

} // namespace faultline::stress
