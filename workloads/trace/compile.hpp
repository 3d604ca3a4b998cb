// Compiles a trace to a program (program.hpp).
#pragma once

#include "workloads/trace/program.hpp"
#include "workloads/trace/source.hpp"

#include <filesystem>

namespace faultline::trace {

// $TMPDIR, or /var/tmp: unlike /tmp it is not in memory.
std::filesystem::path spill_folder();

struct CompileOptions {
    std::filesystem::path folder = spill_folder(); // for words that are not kept in memory meanwhile
    std::uint64_t most_mapped_bytes = trace::most_mapped_bytes; // a program with more words is streamed
    bool paced = false;                                         // with the times of the trace
};

// Writes the program to `fd`, which is an empty file. The same trace always gives the same bytes. What it needs of memory
// does not grow with the trace but with the blocks that are live at once (64 B each) and those that another thread
// releases (16 B). Fails with data (nothing to replay, no times to keep, or
// not what can have happened), cannot_create or io.
Result<void> compile(EventSource& source, int fd, const CompileOptions& options = {});

} // namespace faultline::trace
