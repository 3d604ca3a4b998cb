// The workload "replay": the calls of a recorded program, on as many threads as it had, each in its own
// order. Threads run freely beside each other; one waits for another only where it releases a block that the
// other allocates, or where the other had ended before it began.
#pragma once

#include "workloads/engine/workload.hpp"

namespace faultline::trace {

extern const engine::WorkloadSpec replay_spec;

} // namespace faultline::trace
