// A program that is run to its end for what it prints, as sbatch or squeue.
#pragma once

#include "base/error.hpp"
#include "harness/process/process.hpp"

#include <string>
#include <vector>

namespace faultline::process {

struct Captured {
    ExitStatus exit;
    std::string text; // standard output and error, as they came

    bool ok() const { return exit.status == 0; }
};

// Looks `argv[0]` up on PATH and runs it in this process's environment, out of reach of the terminal's Ctrl-C. Waits for
// as long as it takes. Fails with Exit::unavailable where there is no such program.
Result<Captured> capture(const std::vector<std::string>& argv);

} // namespace faultline::process
