// Native traces made from parts of others.
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>

namespace faultline::trace {

struct CutOptions {
    std::uint64_t from = 0; // operations, as `trace info` counts them
    std::uint64_t to = std::numeric_limits<std::uint64_t>::max();
};

// The operations from `from` to below `to`. Blocks that are live before them are allocated first, by malloc and by the
// threads that made them, so that nothing is released that is not there. A realloc counts where it ends. Fails as
// open_trace() does, and with usage where the trace has no such operations.
Result<void> cut(const std::filesystem::path& trace, const std::filesystem::path& output,
                 const CutOptions& options);

struct MergeOptions {
    bool in_turn = false; // one after another; else all begin together
};

// The traces as threads of one, their blocks and threads told apart. Times are kept where all have them; else an
// operation of each comes in its turn.
Result<void> merge(std::span<const std::filesystem::path> traces, const std::filesystem::path& output,
                   const MergeOptions& options);

} // namespace faultline::trace
