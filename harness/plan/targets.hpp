// From what the user wrote to rows of a plan: suites, workloads with parameters, traces; allocators.
#pragma once

#include "harness/plan/plan.hpp"
#include "harness/plan/suite.hpp"

#include <span>

namespace faultline::plan {

// One suite out of the words of the command line. A word is, in this order, the name of a suite, one workload of
// a suite by its label ("quick/larson2", "mine.toml/larson2"), a workload ("larson2", "pair:size=64"), a suite
// file (*.toml), or a trace file. A single suite keeps its rounds, idle time and allocators; several suites are
// joined, with the first one's settings.
Result<Suite> gather(std::span<const std::string> words);

// Looks up names, finds files, validates parameters. Labels that two rows would share are refused.
Result<std::vector<Row>> make_rows(const Suite& suite);

// Leaves the rows of these labels; all of them when there are no labels. A label that no row has is refused.
Result<void> keep_rows(std::vector<Row>& rows, std::span<const std::string> labels);

// "A,B,name=path.so" or "all" (what is installed), without repetitions; the null allocator is added as the
// floor unless `floor` is false or the user named it, which makes it a subject.
Result<std::vector<Arm>> make_arms(std::span<const std::string> names, bool floor);

} // namespace faultline::plan
