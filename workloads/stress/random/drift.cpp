#include "workloads/stress/random/drift.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace faultline::stress {
namespace {

std::uint64_t median_of(std::span<const std::uint64_t> values) {
    std::array<std::uint64_t, most_drift_samples> sorted{};
    std::copy(values.begin(), values.end(), sorted.begin());
    auto* const middle = sorted.data() + values.size() / 2;
    std::nth_element(sorted.data(), middle, sorted.data() + values.size());
    return *middle;
}

double slope_between(std::span<const std::uint64_t> values, std::size_t i, std::size_t j) {
    return (static_cast<double>(values[j]) - static_cast<double>(values[i])) / static_cast<double>(j - i);
}

} // namespace

Drift judge_drift(std::span<const std::uint64_t> resident, const DriftRule& rule, const Gain& matters) {
    Drift drift;
    const std::size_t n = resident.size();
    if (n < rule.least_samples || n > most_drift_samples) {
        return drift;
    }
    static std::array<double, most_drift_samples*(most_drift_samples - 1) / 2> slopes;
    std::size_t pairs = 0;
    double s = 0;
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = i + 1; j < n; ++j) {
            const double slope = slope_between(resident, i, j);
            s += slope > 0 ? 1 : slope < 0 ? -1 : 0;
            slopes[pairs++] = slope;
        }
    }
    std::nth_element(slopes.begin(), slopes.begin() + static_cast<std::ptrdiff_t>(pairs / 2),
                     slopes.begin() + static_cast<std::ptrdiff_t>(pairs));
    drift.slope_bytes = slopes[pairs / 2];
    const auto count = static_cast<double>(n);
    const double deviation = std::sqrt(count * (count - 1) * (2 * count + 5) / 18);
    drift.z = (s > 0 ? s - 1 : s < 0 ? s + 1 : 0) / deviation;
    drift.median = median_of(resident);
    drift.gained = static_cast<std::uint64_t>(std::max(0.0, drift.slope_bytes * (count - 1)));

    const std::size_t third = n / 3;
    const std::uint64_t first = median_of(resident.first(third));
    const std::uint64_t second = median_of(resident.subspan(third, third));
    const std::uint64_t last = median_of(resident.last(third));
    const std::uint64_t enough = std::max(
        matters.least, static_cast<std::uint64_t>(matters.least_share * static_cast<double>(drift.median)));
    drift.is_steady =
        drift.z > rule.certain_z && drift.gained > matters.least && second > first && last > second;
    drift.is_leak = drift.is_steady && drift.gained > enough && last > second + enough / 3;
    return drift;
}

void DriftSeries::offer(std::uint64_t resident) {
    if (offered_++ % stride_ != 0) {
        return;
    }
    if (count_ == most_drift_samples) {
        for (std::size_t i = 0; i < most_drift_samples / 2; ++i) {
            samples_[i] = samples_[2 * i];
        }
        count_ = most_drift_samples / 2;
        stride_ *= 2;
    }
    samples_[count_++] = resident;
}

} // namespace faultline::stress
