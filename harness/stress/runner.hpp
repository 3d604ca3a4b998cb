// Runs one check on one allocator: `faultline-check` in a process of its own with the allocator preloaded, stopped at
// its time limit, at the memory limit or by the user, and nothing of it left when this returns.
#pragma once

#include "allocators/registry/registry.hpp"
#include "harness/process/environment.hpp"
#include "harness/process/process.hpp"
#include "workloads/stress/check.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace faultline::stress {

struct Settings {
    std::filesystem::path checker; // the program that runs a check: layout::checker()
    process::Variables variables;  // its environment, without LD_PRELOAD
    std::uint64_t memory_limit_bytes = 0;
    int stop_fd = -1; // becomes readable when the user wants to stop
};

// A line that the check said (workloads/stress/voice.hpp).
struct Said {
    std::string word;
    std::string text;
};

// What was seen of it, before anybody judges.
struct Observed {
    process::ExitStatus exit;
    bool timed_out = false;
    bool memory_exceeded = false;
    bool stopped = false; // by the user: nothing can be said of it
    std::vector<Said> said;
    std::string stderr_tail;
    std::uint64_t duration_ns = 0;
    unsigned orphans = 0; // processes that it left behind, in whatever group or session; they were killed
};

// How long the check may take with this task, not counting what this process itself was stopped for.
std::uint64_t time_limit_ns(const Check& check, const Task& task);

// An Error means that the runner itself could not do its part. While it runs, this process adopts what loses its
// parent below it, and afterwards kills every child it has: nobody else may have children meanwhile.
Result<Observed> run_check(const Check& check, const Task& task, const registry::Allocator& allocator,
                           const Settings& settings);

} // namespace faultline::stress
