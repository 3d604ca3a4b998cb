// The short table a run ends with, over valid trials: medians, and ratios to the first allocator that are estimated as
// the reports do it: paired within rounds. Verdicts and intervals are the reports'.
#pragma once

#include "harness/results/document.hpp"
#include "harness/results/signed_rank.hpp"

#include <map>
#include <span>

namespace faultline::results {

// Less heap than this is not compared as a ratio: it is a difference of two readings of the resident set, each of them
// uncertain by some hundred KiB. The same as HEAP in reports/faultline_reports/statistics/thresholds.py.
inline constexpr double least_heap_for_ratio = 1 << 20;

// A ratio is not known where its interval's ends are so many times apart. The same as UNKNOWN_SPAN there.
inline constexpr double unknown_span = 2.0;

using ByRound = std::map<unsigned, double>;

struct Cell {
    unsigned valid = 0;
    unsigned invalid = 0;
    std::optional<double> wall_ns; // medians over valid trials
    std::optional<double> cpu_ns_per_operation;
    std::optional<double> peak_heap_bytes; // peak_rss_bytes less baseline_rss_bytes, or 0
    ByRound cpu_in_rounds;                 // what the medians are of
    ByRound heap_in_rounds;
};

struct Row {
    std::string workload;
    std::vector<Cell> cells; // in the order of Summary::allocators
};

struct Summary {
    std::vector<std::string> allocators; // in order of first appearance in `order`
    std::vector<Row> rows;
};

Summary summarise(std::span<const TrialResult> trials, std::span<const std::string> workload_order,
                  std::span<const std::string> allocator_order);

// ln(candidate / base) in each round that has both; empty when there is none, or a value is 0 or below `least`.
ByRound log_ratios(const ByRound& base, const ByRound& candidate, double least);

// The Hodges-Lehmann estimate of the ratio. Nothing from nothing.
std::optional<double> paired_ratio(const ByRound& log_ratios);

// Which rows a mean may be over: not those whose rounds tell nobody's ratio, each one's interval spanning more than
// `unknown_span`, as where the base itself swings. `rows` holds for each row the log_ratios() of all the others to the
// base; a row without any is none to leave out. Where nothing would be left nothing is left out. The same as
// steady_labels() in reports/faultline_reports/comparison.py, and tried by the same cases.
std::vector<bool> steady_rows(std::span<const std::vector<ByRound>> rows);

struct MeanRatio {
    double ratio = 0;
    std::size_t rows = 0; // that it is over
};

// The geometric mean over the rows that have differences, first within each round that has all of them. Nothing where
// there is no such round.
std::optional<MeanRatio> mean_ratio(std::span<const ByRound> rows);

} // namespace faultline::results
