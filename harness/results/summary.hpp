// The short table a run ends with, over valid trials: medians, and ratios to the first allocator that are estimated as
// the reports do it: paired within rounds. Verdicts and intervals are the reports'.
#pragma once

#include "harness/results/document.hpp"

#include <map>
#include <span>

namespace faultline::results {

// Less heap than this is not compared as a ratio: it is a difference of two readings of the resident set, each of them
// uncertain by some hundred KiB. The same as HEAP in reports/faultline_reports/statistics/thresholds.py.
inline constexpr double least_heap_for_ratio = 1 << 20;

// The middle of the values, or the mean of the two middle ones; values must not be empty.
double median(std::vector<double> values);

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

// The Hodges-Lehmann estimate of the ratio: exp of the median of all means of two differences. Nothing from nothing.
std::optional<double> paired_ratio(const ByRound& log_ratios);

struct MeanRatio {
    double ratio = 0;
    std::size_t rows = 0; // that it is over
};

// The geometric mean over the rows that have differences, first within each round that has all of them. Nothing where
// there is no such round.
std::optional<MeanRatio> mean_ratio(std::span<const ByRound> rows);

} // namespace faultline::results
