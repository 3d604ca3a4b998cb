// Figures over time: a process apart reads cheap files of the trial every few milliseconds, so that sampling
// costs the runner and the worker nothing.
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace faultline::probes {

struct Series {
    std::string name;                  // "rss_bytes", "rss_anon_bytes", "swap_bytes", "minor_faults"
    std::vector<std::uint64_t> at_ns;  // CLOCK_MONOTONIC
    std::vector<std::uint64_t> values; // same length
};

// Figures beside those of /proc, from memory that the sampler's process shares with whoever writes it.
struct Gauges {
    static constexpr std::size_t most = 8;
    std::vector<std::string> names; // of the series; at most so many
    void (*read)(const void* from,
                 std::uint64_t* values) = nullptr; // as many values as names; allocates nothing
    const void* from = nullptr;                    // mapped with MAP_SHARED
};

// Starts sampling `pid` (which may still be stopped); stop() ends the sampler process, reaps it and returns
// what it saw. Destroying an unstopped sampler kills it. At most `capacity` samples a series are kept: when
// full, every second one is dropped and the interval doubles, so a long trial keeps its whole course.
class Sampler {
  public:
    static Result<Sampler> start(pid_t pid, std::uint64_t interval_ns, std::size_t capacity = 2048,
                                 Gauges gauges = {});
    std::vector<Series> stop();

    Sampler(Sampler&&) noexcept;
    Sampler& operator=(Sampler&&) noexcept;
    ~Sampler();

  private:
    Sampler() = default;
    pid_t process_ = -1;
    void* shared_ = nullptr;
    std::size_t shared_bytes_ = 0;
    int stop_fd_ = -1;
    std::vector<std::string> gauge_names_;
};

} // namespace faultline::probes
