// The short table a run ends with: medians over valid trials. The full statistics are the reports'.
#pragma once

#include "harness/results/document.hpp"

#include <span>

namespace faultline::results {

// The middle of the values, or the mean of the two middle ones; values must not be empty.
double median(std::vector<double> values);

struct Cell {
    unsigned valid = 0;
    unsigned invalid = 0;
    std::optional<double> wall_ns; // medians over valid trials
    std::optional<double> cpu_ns_per_operation;
    std::optional<double> peak_rss_bytes;
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

} // namespace faultline::results
