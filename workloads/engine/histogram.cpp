#include "workloads/engine/histogram.hpp"

#include <algorithm>
#include <cmath>

namespace faultline::engine {

void Histogram::merge(const Histogram& other) {
    for (std::size_t i = 0; i < bucket_count; ++i)
        buckets_[i] += other.buckets_[i];
    max_ns_ = std::max(max_ns_, other.max_ns_);
}

std::uint64_t Histogram::count() const {
    std::uint64_t sum = 0;
    for (const std::uint32_t bucket : buckets_)
        sum += bucket;
    return sum;
}

std::uint64_t Histogram::quantile_ns(double quantile) const {
    const std::uint64_t total = count();
    const auto rank = static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(total)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < bucket_count; ++i) {
        seen += buckets_[i];
        if (seen >= rank && seen > 0)
            return std::min(upper_ns(i), max_ns_);
    }
    return 0;
}

} // namespace faultline::engine
