// A leak, told from a heap that still fills up. A trend (drift.hpp) is a suspicion at first: an allocator may keep free
// memory, and more of it with each arena that contention makes. From then on it is asked to give back what is free
// before each sample, and is accused if resident memory grows on, about as fast for the work that is done, over half as
// many samples again. (By samples, of which one does a hundred times the work of another, 10 of 60 simulated leaks were
// not told within 300; by work all were.) Any other series that should stay level is watched so, too: fragmentation.
#pragma once

#include "workloads/stress/random/drift.hpp"

#include <cstdint>

namespace faultline::stress {

enum class Suspicion { none, new_one, unfounded, proved };

class LeakWatch {
  public:
    // Judges after so many samples and whenever they have grown by a half: each look is a chance to be wrong.
    explicit LeakWatch(std::uint64_t first_judgement, const Gain& matters = gain_in_bytes)
        : matters_(matters), next_(first_judgement) {}

    // True: free memory is to be given back to the system before the next sample.
    bool is_suspicious() const { return is_suspicious_; }
    // A sample, taken when the same amount is alive as at the others, and the bytes that were asked of the heap so far.
    // What the judgement says, if it was time for one.
    Suspicion offer(std::uint64_t resident, std::uint64_t asked);

    unsigned judgements() const { return judgements_; } // 0: too few samples to tell
    const Drift& drift() const { return drift_; }       // of the last judgement
    double growth() const { return growth_; }           // by it, for each byte that was asked for
    // Of the second half of the samples so far: the first is how the heap came to its size.
    Drift drift_so_far() const;

  private:
    void start_over(std::uint64_t next);

    Gain matters_;
    DriftSeries series_;
    DriftSeries asked_;         // at the same samples
    std::uint64_t offered_ = 0; // to this series
    std::uint64_t next_;        // offer to judge after
    std::uint64_t suspected_after_ = 0;
    unsigned judgements_ = 0;
    bool is_suspicious_ = false;
    Drift drift_;
    double growth_ = 0;
};

} // namespace faultline::stress
