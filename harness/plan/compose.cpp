#include "harness/plan/compose.hpp"

#include "harness/plan/targets.hpp"
#include "harness/plan/traces.hpp"

#include <algorithm>

namespace faultline::plan {

Result<Plan> compose(const Suite& suite, const Composition& how) {
    Plan plan;
    plan.suite = suite.name;
    plan.rounds = suite.rounds;
    plan.idle_ms = suite.idle_ms;
    plan.timeout_s = suite.timeout_s;
    auto rows = make_rows(suite);
    if (!rows) {
        return tl::unexpected(rows.error());
    }
    plan.rows = std::move(*rows);
    if (auto kept = keep_rows(plan.rows, how.only); !kept) {
        return tl::unexpected(kept.error());
    }
    if (auto compiled = compile_traces(plan.rows, how.program_cache); !compiled) {
        return tl::unexpected(compiled.error());
    }
    if (std::any_of(plan.rows.begin(), plan.rows.end(),
                    [](const Row& row) { return row.spec->has_allocator_axis(); })) {
        auto arms = make_arms(suite.allocators, how.floor);
        if (!arms) {
            return tl::unexpected(arms.error());
        }
        plan.arms = std::move(*arms);
    }
    if (auto added = add_kernel_arm(plan); !added) {
        return tl::unexpected(added.error());
    }
    return plan;
}

} // namespace faultline::plan
