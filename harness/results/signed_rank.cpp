#include "harness/results/signed_rank.hpp"

#include <algorithm>
#include <cmath>

namespace faultline::results {
namespace {

constexpr double each_side = 0.025;
constexpr double deviations_of_each_side = 1.959963984540054; // the normal distribution's quantile
constexpr std::size_t most_exact = 120; // EXACT_SIGNED_RANK of the reports' thresholds.py

// The largest k whose interval, from the k-th smallest Walsh average to the k-th largest, has the confidence; 1 where
// none has.
std::size_t order_for(std::size_t samples) {
    const std::size_t most = samples * (samples + 1) / 2;
    if (samples > most_exact) {
        const double mean = static_cast<double>(most) / 2;
        const double deviation = std::sqrt(mean * static_cast<double>(2 * samples + 1) / 6);
        const double below = std::floor(mean - deviations_of_each_side * deviation - 0.5);
        return below < 1 ? 1 : static_cast<std::size_t>(below);
    }
    std::vector<double> chance(most + 1); // that a random subset of the ranks so far has this sum
    chance[0] = 1;
    for (std::size_t rank = 1; rank <= samples; ++rank) {
        for (std::size_t sum = most + 1; sum-- > 0;) {
            chance[sum] = (chance[sum] + (sum >= rank ? chance[sum - rank] : 0)) / 2;
        }
    }
    std::size_t order = 0;
    for (double below = chance[0]; below <= each_side + 1e-12; below += chance[order]) {
        ++order;
    }
    return std::max<std::size_t>(order, 1);
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

Interval signed_rank_interval(std::span<const double> differences) {
    std::vector<double> averages;
    averages.reserve(differences.size() * (differences.size() + 1) / 2);
    for (std::size_t first = 0; first < differences.size(); ++first) {
        for (std::size_t second = first; second < differences.size(); ++second) {
            averages.push_back((differences[first] + differences[second]) / 2);
        }
    }
    std::sort(averages.begin(), averages.end());
    const std::size_t order = order_for(differences.size());
    const double estimate = median(averages);
    return {estimate, averages[order - 1], averages[averages.size() - order]};
}

} // namespace faultline::results
