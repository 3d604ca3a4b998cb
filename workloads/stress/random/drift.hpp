// Whether memory creeps up: a verdict on a series of resident sizes, taken at moments when the same amount is alive, or
// of what stands for them.
//
// The trend is tested by Mann and Kendall's statistic (Mann, "Nonparametric tests against trend", Econometrica 13,
// 1945; normal approximation of Kendall's S) and measured by Theil and Sen's slope (Sen, JASA 63, 1968). A heap that
// still fills up has a trend too, so three more things must hold before it is called one: what it gained is a share
// of what it holds, it gained in each third of the series, and in the last as much as that share asks for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace faultline::stress {

struct Drift {
    double z = 0;             // Mann-Kendall's statistic, standard normal where there is no trend
    double slope_bytes = 0;   // Theil-Sen's, for each sample
    std::uint64_t gained = 0; // by the slope, over the series
    std::uint64_t median = 0; // of the series
    bool is_steady = false;   // certain, and of a size that matters, in each third
    bool is_leak = false;     // steady, and a share of what is held
};

inline constexpr std::size_t most_drift_samples = 256;

// Below what gain nobody would call it a drift: so much, and such a share of the series' median.
struct Gain {
    std::uint64_t least;
    double least_share;
};
inline constexpr Gain gain_in_bytes = {16ULL << 20, 0.25};

// From how many samples on, and how clearly, a trend is one.
struct DriftRule {
    std::size_t least_samples;
    double certain_z;
};
inline constexpr DriftRule drift_accuses = {
    24, 6}; // one series in a thousand million, were the samples independent
inline constexpr DriftRule drift_suspects = {12, 4}; // one in thirty thousand

// Of at most most_drift_samples; a longer series is to be thinned by the caller. Takes no memory from any heap.
Drift judge_drift(std::span<const std::uint64_t> resident, const DriftRule& rule = drift_accuses,
                  const Gain& matters = gain_in_bytes);

// A series of fixed size over any length of time: when it is full, every other sample is left out and from then on
// only every second offered one is taken.
class DriftSeries {
  public:
    void offer(std::uint64_t resident);
    std::span<const std::uint64_t> samples() const { return {samples_, count_}; }
    std::uint64_t stride() const { return stride_; } // offers for each sample

  private:
    std::uint64_t samples_[most_drift_samples] = {};
    std::size_t count_ = 0;
    std::uint64_t stride_ = 1;
    std::uint64_t offered_ = 0;
};

} // namespace faultline::stress
