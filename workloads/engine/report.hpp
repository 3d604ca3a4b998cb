// The worker's report: what protocol.hpp describes, as values, and as JSON.
//
// Made and written after the mark `end`: it takes memory from the allocator under test when no phase runs any
// more.
#pragma once

#include "base/error.hpp"
#include "workloads/engine/latency.hpp"
#include "workloads/engine/phases.hpp"
#include "workloads/engine/workload.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace faultline::engine {

struct Report {
    const WorkloadSpec* spec;
    const Arguments* arguments;
    const PhaseGate* phases;
    const LatencyRecorder* latency;
    std::vector<std::pair<std::string, std::string>> resolved; // symbol, path; "" when absent
    std::uint64_t checksum = 0;
    std::uint64_t operations = 0; // of phase measure
    std::uint64_t harness_bytes = 0;
    std::uint64_t harness_file_bytes = 0;
    std::vector<std::string> notes;
    std::vector<FootprintSample> footprint;
    std::optional<std::string>
        occupancy; // why what was counted of it does not hold, "" if it does; absent: not counted
    std::string google_benchmark; // JSON as Google Benchmark wrote it; "" for none
};

std::string to_json(const Report& report);

// Writes all of `text` to `fd`; fails with io.
Result<void> write_all(int fd, std::string_view text);

} // namespace faultline::engine
