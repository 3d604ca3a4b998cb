// Finds out by doing which groups of the procfs table count on this host.
#pragma once

#include "kernel-probes/procfs/metrics.hpp"

#include <filesystem>
#include <span>
#include <vector>

namespace faultline::probes::procfs {

// One record for each group in `rows`, in their order. Takes some tens of milliseconds.
std::vector<Capability> check(const std::filesystem::path& proc, std::span<const Row* const> rows);

} // namespace faultline::probes::procfs
