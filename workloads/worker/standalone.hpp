// The worker as an ordinary Google Benchmark program: every catalogued workload with its defaults.
#pragma once

namespace faultline::worker {

// Registers a benchmark for each workload that needs no file: threaded ones with 1 and with 2 threads. Micro
// patterns run as often as Google Benchmark likes, 1024 blocks an iteration; the others once, on their own
// clock.
void register_catalog();

} // namespace faultline::worker
