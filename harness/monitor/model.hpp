// What the monitor knows: samples of a process tree, and what two of them say of the time between. Nothing here
// touches the system.
#pragma once

#include "harness/monitor/slabuddy.hpp"
#include "kernel-probes/probe.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::monitor {

struct Figure {
    probes::Kind kind = probes::Kind::gauge;
    std::optional<std::uint64_t> value; // counters count from the monitor's start
};

struct Sample {
    std::uint64_t at_ns = 0; // CLOCK_MONOTONIC
    unsigned processes = 0;
    unsigned threads = 0;
    std::map<std::string, Figure, std::less<>> figures;                                           // by metric
    std::map<std::string, std::map<std::string, std::vector<std::uint64_t>>, std::less<>> tables; // counters
    std::optional<SlabuddyFigures> slabuddy; // of the first process of the tree that shows them
};

// Adds what a probe of one process of the tree saw. What several see is added up; a figure that one of them does
// not have is of the others alone.
void add(Sample& sample, const probes::Snapshot& snapshot);

struct TableRate {
    std::string key;
    std::vector<double> per_second; // as many as the table has columns
};

class Frame {
  public:
    // `before` is absent for the first: it has no rates.
    Frame(const std::optional<Sample>& before, Sample now);

    const Sample& now() const { return now_; }
    double seconds() const { return seconds_; } // since the sample before; 0 for the first
    std::optional<std::uint64_t> value(std::string_view metric) const;
    // Of counters; absent when one of the samples lacks it. A count that went back, as when a process ended that
    // nobody waited for, is 0.
    std::optional<double> rate(std::string_view metric) const;
    std::vector<std::string> rated() const; // counters that have a rate, by name
    // The rows of a table that counted most since the sample before, by their first column; at most `most`.
    std::vector<TableRate> top(std::string_view table, std::size_t most) const;

  private:
    Sample now_;
    double seconds_ = 0;
    std::map<std::string, double, std::less<>> rates_;
    std::map<std::string, std::vector<TableRate>, std::less<>> table_rates_; // sorted
};

} // namespace faultline::monitor
