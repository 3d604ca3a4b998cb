// A dry run of a workload that counts what it calls, for its documentation. No trial: nothing is timed.
#pragma once

#include "base/error.hpp"
#include "workloads/engine/workload.hpp"

#include <string>

namespace faultline::worker {

// One line of JSON:
// {"allocations", "calls": {"malloc": 1, ...}, "sizes": [[at_most, blocks, bytes], ...],
//  "lifetimes": [[at_most, blocks], ...],   // in allocations, of what was freed in phase measure
//  "to_the_end": blocks that measure made and left, "frees", "frees_by_others", "peak_live_blocks",
//  "peak_live_bytes", "cut_short": true when only the first allocations were listened to}
Result<std::string> take_census(const engine::WorkloadSpec& spec, const engine::Arguments& arguments);

} // namespace faultline::worker
