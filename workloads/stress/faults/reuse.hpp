// The worker of the memory cgroup: rounds in which 64 MiB are made alive in blocks of ever other sizes, and all but a
// twentieth given back; that lives for one more round, so what it pins is bounded for any allocator.
#pragma once

#include "workloads/stress/ordeal/options.hpp"
#include "workloads/stress/ordeal/pulse.hpp"

namespace faultline::stress {

void run_reuse(const OrdealOptions& options, Pulse& pulse);

} // namespace faultline::stress
