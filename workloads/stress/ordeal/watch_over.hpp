// The simplest supervisor: of a worker that says for itself how it went, unless it crashes, hangs or eats all memory.
#pragma once

#include "workloads/stress/ordeal/options.hpp"

namespace faultline::stress {

// Returns when the worker in this role came to its end; ends the process as the worker did when that failed or skipped.
// `plan_fd`: handed on to it; -1 for none.
void watch_over(const char* role, const OrdealOptions& options, int plan_fd = -1);

} // namespace faultline::stress
