// The figures of the procfs table as they stand now, and why those that are missing are.
#pragma once

#include "kernel-probes/procfs/metrics.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace faultline::probes::procfs {

struct Snapshot {
    std::vector<std::optional<std::uint64_t>> values; // in the order of the rows asked for, scaled
    std::map<Source, int> failures;                   // errno of each file that could not be read
};

// Reads each file that `rows` need once. `proc` is where procfs is mounted.
Snapshot take(const std::filesystem::path& proc, pid_t pid, std::span<const Row* const> rows);

} // namespace faultline::probes::procfs
