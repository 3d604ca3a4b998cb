#include "workloads/stress/random/leak_watch.hpp"

#include <algorithm>

namespace faultline::stress {
namespace {

constexpr double least_share_again = 0.75; // of the growth that was suspected

// From the first of these samples to the last.
double growth_of(std::span<const std::uint64_t> resident, std::span<const std::uint64_t> asked) {
    const double grown = static_cast<double>(resident.back()) - static_cast<double>(resident.front());
    return grown / static_cast<double>(std::max<std::uint64_t>(asked.back() - asked.front(), 1));
}

} // namespace

Drift LeakWatch::drift_so_far() const {
    const auto samples = series_.samples();
    return judge_drift(samples.subspan(samples.size() / 2), drift_suspects, matters_);
}

void LeakWatch::start_over(std::uint64_t next) {
    series_ = DriftSeries();
    asked_ = DriftSeries();
    offered_ = 0;
    next_ = next;
}

Suspicion LeakWatch::offer(std::uint64_t resident, std::uint64_t asked) {
    series_.offer(resident);
    asked_.offer(asked);
    if (++offered_ < next_) {
        return Suspicion::none;
    }
    ++judgements_;
    const double suspected_growth = growth_;
    drift_ = is_suspicious_ ? judge_drift(series_.samples(), drift_accuses, matters_) : drift_so_far();
    const std::size_t judged_from = is_suspicious_ ? 0 : series_.samples().size() / 2;
    growth_ = growth_of(series_.samples().subspan(judged_from), asked_.samples().subspan(judged_from));
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
