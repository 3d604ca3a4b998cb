// Traces of a plan, made ready before the first trial: each is compiled once into a program file that every trial only
// maps, so that none pays for reading and none differs from another.
#pragma once

#include "harness/plan/plan.hpp"

#include <filesystem>
#include <span>

namespace faultline::plan {

// For every row with a `trace` parameter: the compiled program in `cache` for the worker, the trace's own threads and
// cost for the plan. Errors are the importers': file and line of what is wrong with a trace.
Result<void> compile_traces(std::span<Row> rows, const std::filesystem::path& cache);

} // namespace faultline::plan
