// One trial of a real program: input made, program run under the preloaded allocator, output judged, everything said in
// a report like a worker's (workloads/engine/protocol.hpp). This process has no allocator under test in it.
//
// Phases: `start` makes the input. Of a command, `measure` is from its start to the end of the last of its processes.
// Of a service, `warmup` is from its start until it answers, `measure` is the load, `idle` the rest after it; it is
// stopped when all has been measured.
#pragma once

#include "workloads/apps/definition.hpp"

#include <nlohmann/json.hpp>

namespace faultline::apps {

struct JobOptions {
    const Definition* definition = nullptr;
    engine::Arguments arguments;
    std::filesystem::path directory; // empty, for this job alone
    std::filesystem::path preload;   // the allocator; empty for libc's
    std::filesystem::path witness;
    std::filesystem::path libc; // preloaded in place of no allocator where the definition asks for it
    std::uint64_t idle_ms = 0;
    std::uint64_t memory_limit_bytes = 0; // 0: none
    int phase_fd = -1;
};

// The report; what is wrong with the trial is in its "failure" (null: nothing). An Error is one of the definition or of
// this process's own doing.
Result<nlohmann::ordered_json> run_job(const JobOptions& options);

} // namespace faultline::apps
