// What a workload has live against what is resident for it, at points of its own choosing: fragmentation as a course
// instead of a peak. A sample is one read of /proc/self/statm, some 2 us, and takes no memory.
//
// Not thread-safe: one thread samples.
#pragma once

#include "workloads/engine/arena.hpp"

#include <cstdint>
#include <span>

namespace faultline::engine {

struct FootprintSample {
    std::uint64_t at_ns = 0; // CLOCK_MONOTONIC
    std::uint64_t live_bytes = 0;
    std::uint64_t resident_bytes = 0; // beyond what was resident at begin()
};

class Footprint {
  public:
    Footprint() = default;
    ~Footprint();
    Footprint(const Footprint&) = delete;
    Footprint& operator=(const Footprint&) = delete;

    void prepare(Arena& arena, std::size_t samples); // in prepare(); what comes after that many is dropped
    void begin();                                    // before the workload's first block
    void sample(std::uint64_t live_bytes);
    std::span<const FootprintSample> samples() const { return samples_.first(count_); }

  private:
    std::uint64_t resident_bytes() const;

    int statm_ = -1;
    std::uint64_t before_bytes_ = 0;
    std::span<FootprintSample> samples_;
    std::size_t count_ = 0;
};

} // namespace faultline::engine
