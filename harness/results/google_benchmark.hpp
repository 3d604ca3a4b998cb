// A result document in the layout of Google Benchmark's JSON reporter, for its compare.py and everything else
// that reads that. Source: Google Benchmark 1.7, docs/tools.md and src/json_reporter.cc.
#pragma once

#include "harness/results/document.hpp"

namespace faultline::results {

// {"context": {...}, "benchmarks": [...]} of a whole document; valid subject and floor trials only, one entry
// a trial, repetition_index = round. Times are those of phase `measure` divided by its operations.
Json google_benchmark_layout(const Json& document);

} // namespace faultline::results
