// The same calls, one after the other, on whatever allocator: numbers over everything that a program could see of them
// and that no standard leaves open. Two allocators that both keep their promises give the same ones.
#pragma once

#include "workloads/stress/ordeal/options.hpp"
#include "workloads/stress/ordeal/pulse.hpp"

namespace faultline::stress {

// The worker: a plan from plan_file.hpp where plan_fd is not -1, else several of generate(), with calls that must be
// refused among them. Says the numbers by digest().
void run_differential(const OrdealOptions& options, Pulse& pulse, int plan_fd);

// The supervisor: of options.trace, where there is one.
void supervise_differential(const OrdealOptions& options);

} // namespace faultline::stress
