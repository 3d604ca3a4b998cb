// Paired differences: the Hodges-Lehmann estimate with the interval from inverting the signed-rank test. The same as
// reports/faultline_reports/statistics/signed_rank.py, which names the sources.
#pragma once

#include <span>
#include <vector>

namespace faultline::results {

// The middle of the values, or the mean of the two middle ones; values must not be empty.
double median(std::vector<double> values);

struct Interval {
    double estimate = 0;
    double low = 0;
    double high = 0;
};

// Differences must not be empty. The interval has 95 % confidence, or what fewer than six of them can give.
Interval signed_rank_interval(std::span<const double> differences);

} // namespace faultline::results
