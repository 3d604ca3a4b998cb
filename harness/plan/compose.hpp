// A suite as a plan, as it is on any host: rows, arms, traces made ready.
#pragma once

#include "harness/plan/plan.hpp"
#include "harness/plan/suite.hpp"

#include <filesystem>
#include <span>

namespace faultline::plan {

struct Composition {
    std::span<const std::string> only;   // labels of the rows that are left; none: all
    bool floor = true;                   // with the null allocator beside those of the suite
    std::filesystem::path program_cache; // of compiled traces
};

// The plan of a suite's rounds, settings and allocators; its seed is 1. Errors are those of make_rows, keep_rows,
// compile_traces and make_arms.
Result<Plan> compose(const Suite& suite, const Composition& how);

} // namespace faultline::plan
