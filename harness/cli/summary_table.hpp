// The table a run ends with.
#pragma once

#include "harness/plan/plan.hpp"
#include "harness/results/document.hpp"

#include <string>

namespace faultline::cli {

// Medians of valid trials: time of phase `measure` and peak resident memory, the first allocator's absolute,
// the others' as multiples of it, and the floor's cost of one operation.
std::string summary_table(const plan::Plan& plan, const results::Document& document);

} // namespace faultline::cli
