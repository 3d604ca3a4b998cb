// The worker's side of fault injection: a script of calls that reaches every way an allocator has to ask the kernel,
// made twice. In stage 1, when faults come, NULL with ENOMEM is an answer and everything else must hold; in stage 2, when
// they are over, every call must succeed again.
#pragma once

#include "workloads/stress/heap_calls.hpp"
#include "workloads/stress/ordeal/options.hpp"
#include "workloads/stress/ordeal/pulse.hpp"

namespace faultline::stress {

// Where a worker stands, in Pulse::stage.
enum ScriptStage : std::uint64_t {
    script_starts = 0,   // before main
    script_suffers = 1,  // faults come
    script_recovers = 2, // they are over
    script_prepares = 3, // between the first two: maps what it needs for itself
};

void run_script(const HeapCalls& heap, Pulse& pulse);

// As the script, when a limit is reached instead: options.variant is "address-space" (RLIMIT_AS) or "mappings"
// (max_map_count). Skips, with a note, where the limit cannot be reached.
void run_at_limit(const OrdealOptions& options, Pulse& pulse);

} // namespace faultline::stress
