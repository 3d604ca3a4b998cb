// `faultline run --engine`: the plan in shards on other hosts, and one document of them.
#pragma once

#include "base/error.hpp"
#include "harness/cli/command.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace faultline::cli {

struct ScaleOut {
    std::string engine = "local"; // this process
    unsigned shards = 0;
    std::string partition;
    std::vector<std::string> sbatch;
};

struct Saying {
    bool json = false;
    bool quiet = false;
};

void add_scale_out(CLI::App& command, ScaleOut& options);

// The command line of `faultline run` as `command` parsed it, less what is this process's own: where shards run, the
// seed, outputs.
std::vector<std::string> run_words(const CLI::App& command);

// Runs all shards, merges them into `output`, and says what is there. The exit status: 0, invalid_trials, or that of
// Ctrl-C; an Error where shards were given up.
Result<int> scale_out(const ScaleOut& options, std::uint64_t seed, const std::vector<std::string>& words,
                      const std::string& output, const Saying& saying);

} // namespace faultline::cli
