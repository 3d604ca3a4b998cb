// Runs a program with the recorder preloaded: what `faultline record` does.
#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace faultline::trace {

struct RecordOptions {
    std::filesystem::path output;   // an existing file of this name is replaced
    std::filesystem::path recorder; // libfaultline-record.so
};

struct Recording {
    int exit_status = 0; // of the program, as a shell gives it: 128 + N when signal N ended it
    std::vector<std::filesystem::path> files; // a trace for each process that allocated, `output` first
};

// Returns when the program has ended. Fails with usage, unavailable (no recorder), cannot_create, no_input
// (no such program) or os.
Result<Recording> run_recorded(const RecordOptions& options, const std::vector<std::string>& command);

} // namespace faultline::trace
