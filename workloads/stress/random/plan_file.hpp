// A plan as its steps stand in memory, for handing it to a worker, which must not build it on the heap under test.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"
#include "workloads/stress/random/plan_trace.hpp"

namespace faultline::stress {

struct PlanHead {
    std::uint64_t steps = 0;
    std::uint64_t seed = 0;
    std::uint32_t blocks = 0;
    std::uint32_t threads = 0;
    std::uint32_t lanes = 0;
};

// A file of memory: a PlanHead and the steps. Fails with os.
Result<Fd> make_plan_file(const KeptPlan& kept);

struct MappedPlan {
    Plan plan;
    std::uint64_t seed = 0;
};
// For as long as the process lives; ends it when there is no plan.
MappedPlan map_plan_file(int fd);

} // namespace faultline::stress
