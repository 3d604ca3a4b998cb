// Plans as traces (.fltrace) and traces as plans: what a failure is kept as, and what `faultline trace` reads. A plan
// that was written comes back step by step; of any other trace the calls, and who made them, become a plan.
//
// Pointers of the trace are the plan's block numbers. What the format has no event for stands in its notes:
//   stress.seed=N  stress.order=free|planned  stress.lanes=N  stress.fork=CALLS-BEFORE-IT,THREAD
#pragma once

#include "base/error.hpp"
#include "workloads/stress/random/plan.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace faultline::stress {

struct KeptPlan {
    std::vector<Step> steps;
    std::uint32_t blocks = 0;
    std::uint32_t threads = 0;
    std::uint32_t lanes = 0;
    std::uint64_t seed = 0;
    bool is_free = false; // the order in which it is to be carried out

    Plan plan() const { return {steps, blocks, threads, lanes}; }
};

// `about`: further notes, lines "key=value". Fails as TraceWriter does.
Result<void> write_trace(const std::filesystem::path& path, const KeptPlan& kept, const std::string& about);

// Fails as open_trace() does, or with data when a plan cannot be made of it.
Result<KeptPlan> read_trace(const std::filesystem::path& path);

} // namespace faultline::stress
