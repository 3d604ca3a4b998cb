#include "harness/results/summary.hpp"

#include <algorithm>

namespace faultline::results {
namespace {

Cell cell_of(std::span<const TrialResult> trials, const std::string& workload, const std::string& allocator) {
    Cell cell;
    std::vector<double> wall;
    std::vector<double> cpu;
    std::vector<double> peak;
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
            cpu.push_back(static_cast<double>(measure->cpu_ns) / static_cast<double>(measure->operations));
        }
        if (trial.peak_rss_bytes) {
            peak.push_back(static_cast<double>(*trial.peak_rss_bytes));
        }
    }
    const auto middle = [](std::vector<double>& values) {
        return values.empty() ? std::nullopt : std::optional(median(std::move(values)));
    };
    cell.wall_ns = middle(wall);
    cell.cpu_ns_per_operation = middle(cpu);
    cell.peak_rss_bytes = middle(peak);
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

} // namespace faultline::results
