#include "workloads/stress/random/leak_watch.hpp"

#include <algorithm>

namespace faultline::stress {
namespace {

constexpr double least_share_again = 0.75; // of the growth that was suspected

} // namespace

Drift LeakWatch::drift_so_far() const {
    const auto samples = series_.samples();
    return judge_drift(samples.subspan(samples.size() / 2), drift_suspects);
}

void LeakWatch::start_over(std::uint64_t next) {
    series_ = DriftSeries();
    offered_ = 0;
    next_ = next;
}

Suspicion LeakWatch::offer(std::uint64_t resident) {
    series_.offer(resident);
    if (++offered_ < next_) {
        return Suspicion::none;
    }
    ++judgements_;
    const double suspected_growth = growth_;
    drift_ = is_suspicious_ ? judge_drift(series_.samples()) : drift_so_far();
    growth_ = drift_.slope_bytes / static_cast<double>(series_.stride());
    if (is_suspicious_) {
        is_suspicious_ = false;
        start_over(suspected_after_);
        return drift_.is_steady && growth_ > least_share_again * suspected_growth ? Suspicion::proved
                                                                                  : Suspicion::unfounded;
    }
    if (!drift_.is_leak) {
        next_ = offered_ + offered_ / 2;
        return Suspicion::none;
    }
    is_suspicious_ = true;
    suspected_after_ = offered_;
    start_over(std::max<std::uint64_t>(offered_ / 2, drift_accuses.least_samples));
    return Suspicion::new_one;
}

} // namespace faultline::stress
