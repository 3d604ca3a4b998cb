#include "harness/results/summary.hpp"

#include <algorithm>
#include <cmath>

namespace faultline::results {
namespace {

std::optional<double> middle(const ByRound& in_rounds) {
    std::vector<double> values;
    for (const auto& [round, value] : in_rounds) {
        values.push_back(value);
    }
    return values.empty() ? std::nullopt : std::optional(median(std::move(values)));
}

Cell cell_of(std::span<const TrialResult> trials, const std::string& workload, const std::string& allocator) {
    Cell cell;
    std::vector<double> wall;
    for (const TrialResult& trial : trials) {
        if (trial.workload != workload || trial.allocator != allocator) {
            continue;
        }
        const PhaseResult* measure = trial.phase("measure");
        if (!trial.valid() || measure == nullptr) {
            ++cell.invalid;
            continue;
        }
        ++cell.valid;
        wall.push_back(static_cast<double>(measure->wall_ns));
        if (measure->operations > 0) {
            cell.cpu_in_rounds[trial.round] =
                static_cast<double>(measure->cpu_ns) / static_cast<double>(measure->operations);
        }
        if (trial.peak_rss_bytes && trial.baseline_rss_bytes) {
            const double peak = static_cast<double>(*trial.peak_rss_bytes);
            cell.heap_in_rounds[trial.round] =
                std::max(0.0, peak - static_cast<double>(*trial.baseline_rss_bytes));
        }
    }
    cell.wall_ns = wall.empty() ? std::nullopt : std::optional(median(std::move(wall)));
    cell.cpu_ns_per_operation = middle(cell.cpu_in_rounds);
    cell.peak_heap_bytes = middle(cell.heap_in_rounds);
    return cell;
}

} // namespace

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    if (values.size() % 2 == 1) {
        return *middle;
    }
    return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

Summary summarise(std::span<const TrialResult> trials, std::span<const std::string> workload_order,
                  std::span<const std::string> allocator_order) {
    Summary summary;
    summary.allocators.assign(allocator_order.begin(), allocator_order.end());
    for (const std::string& workload : workload_order) {
        Row row{workload, {}};
        for (const std::string& allocator : allocator_order) {
            row.cells.push_back(cell_of(trials, workload, allocator));
        }
        summary.rows.push_back(std::move(row));
    }
    return summary;
}

ByRound log_ratios(const ByRound& base, const ByRound& candidate, double least) {
    ByRound ratios;
    for (const auto& [round, value] : candidate) {
        const auto found = base.find(round);
        if (found == base.end()) {
            continue;
        }
        const double lower = std::min(value, found->second);
        if (lower <= 0 || lower < least) {
            return {}; // as in the reports: one value without a ratio makes it a comparison of amounts
        }
        ratios[round] = std::log(value / found->second);
    }
    return ratios;
}

std::optional<double> paired_ratio(const ByRound& log_ratios) {
    std::vector<double> means;
    for (auto first = log_ratios.begin(); first != log_ratios.end(); ++first) {
        for (auto second = first; second != log_ratios.end(); ++second) {
            means.push_back((first->second + second->second) / 2);
        }
    }
    return means.empty() ? std::nullopt : std::optional(std::exp(median(std::move(means))));
}

std::optional<MeanRatio> mean_ratio(std::span<const ByRound> rows) {
    std::map<unsigned, std::pair<double, std::size_t>> sums;
    std::size_t used = 0;
    for (const ByRound& row : rows) {
        used += row.empty() ? 0 : 1;
        for (const auto& [round, value] : row) {
            sums[round].first += value;
            ++sums[round].second;
        }
    }
    ByRound means;
    for (const auto& [round, sum] : sums) {
        if (sum.second == used) {
            means[round] = sum.first / static_cast<double>(used);
        }
    }
    const auto ratio = paired_ratio(means);
    return ratio ? std::optional(MeanRatio{*ratio, used}) : std::nullopt;
}

} // namespace faultline::results
