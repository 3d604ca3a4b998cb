// Makes a failing plan as small as it gets while it still fails: delta debugging (Zeller and Hildebrandt, "Simplifying
// and isolating failure-inducing input", IEEE TSE 28(2), 2002) over the lives of blocks, each try in a fresh process.
#pragma once

#include "workloads/stress/random/plan_trace.hpp"

#include <functional>

namespace faultline::stress {

struct ShrinkLimits {
    unsigned tries = 600;
    std::uint64_t seconds = 30;
};

struct Shrunk {
    KeptPlan kept;
    unsigned tries = 0;
};

// `fails` runs a plan and says whether it still goes wrong; it is known to say so of `kept`.
Shrunk shrink(KeptPlan kept, const std::function<bool(const KeptPlan&)>& fails, const ShrinkLimits& limits);

} // namespace faultline::stress
