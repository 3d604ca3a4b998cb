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

// Starts sampling `pid` (which may still be stopped); stop() ends the sampler process, reaps it and returns
// what it saw. Destroying an unstopped sampler kills it. At most `capacity` samples a series are kept: when
// full, every second one is dropped and the interval doubles, so a long trial keeps its whole course.
class Sampler {
  public:
    static Result<Sampler> start(pid_t pid, std::uint64_t interval_ns, std::size_t capacity = 2048);
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
};

} // namespace faultline::probes
