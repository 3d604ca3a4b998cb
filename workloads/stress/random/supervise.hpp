// The supervisor's side of random operations: starts the worker, sees how it ends, and of a failure keeps the plan as a
// trace, shrunk as far as it goes.
#pragma once

#include "workloads/stress/ordeal/options.hpp"

namespace faultline::stress {

// options.variant as run_episodes() has it.
void supervise_random(const OrdealOptions& options);

// The plan of options.trace, again and again for options.seconds where its order is free, else a few times.
void supervise_replay(const OrdealOptions& options);

} // namespace faultline::stress
