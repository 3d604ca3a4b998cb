#include "harness/results/summary.hpp"

#include <algorithm>
#include <cmath>

namespace faultline::results {
namespace {

std::vector<double> values_of(const ByRound& in_rounds) {
    std::vector<double> values;
    for (const auto& [round, value] : in_rounds) {
        values.push_back(value);
    }
    return values;
}

std::optional<double> middle(const ByRound& in_rounds) {
    return in_rounds.empty() ? std::nullopt : std::optional(median(values_of(in_rounds)));
}

bool is_known(const ByRound& log_ratios) {
    if (log_ratios.empty()) {
        return false;
    }
    const std::vector<double> values = values_of(log_ratios);
    const double most = std::log(unknown_span);
    const auto [least, greatest] = std::ranges::minmax(values);
    if (greatest - least <= most) {
        return true;
    }
    const Interval shown = signed_rank_interval(values);
    return shown.high - shown.low <= most;
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
    return log_ratios.empty() ? std::nullopt
                              : std::optional(std::exp(signed_rank_interval(values_of(log_ratios)).estimate));
}

std::vector<bool> steady_rows(std::span<const std::vector<ByRound>> rows) {
    std::vector<bool> steady;
    bool any_known = false;
    for (const std::vector<ByRound>& row : rows) {
        const bool compared = !std::ranges::all_of(row, [](const ByRound& found) { return found.empty(); });
        const bool known = std::ranges::any_of(row, is_known);
        any_known = any_known || known;
        steady.push_back(known || !compared);
    }
    return any_known ? steady : std::vector<bool>(rows.size(), true);
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
