// Compiled traces kept in a folder, so that a run of a hundred trials compiles once and each trial only maps.
#pragma once

#include "base/error.hpp"

#include <filesystem>

namespace faultline::trace {

// The program of the trace: a file in `cache_dir` (created when missing), named by what the trace contains
// and by the compiler's version, or `trace` itself when it is a program already. Safe when several processes
// ask at once. `paced`: one that keeps the trace's times.
Result<std::filesystem::path> ensure_program(const std::filesystem::path& trace,
                                             const std::filesystem::path& cache_dir, bool paced = false);

} // namespace faultline::trace
