// The supervisor's side of fault injection.
#pragma once

#include "workloads/stress/ordeal/options.hpp"

namespace faultline::stress {

// The script again and again, each time with another call of the kernel failing, for options.seconds. options.variant is
// the victim's name, or "start": any of them while the program starts, which is told and never held against anybody.
void supervise_faults(const OrdealOptions& options);

// The script while calls of the kernel take their time: all of one victim a little, then one a long time, in turn. What
// other threads do meanwhile must not be harmed, and nothing may be refused.
void supervise_delays(const OrdealOptions& options);

// Memory is used, given back and used again in a memory cgroup that has room for four times of what is alive:
// an allocator that keeps what it was given back is killed. Skips where no memory cgroup can be made.
void supervise_cgroup(const OrdealOptions& options);

// Memory is used in such a group until the kernel kills the program for it: nothing else may end it, and half of the group
// must have come alive by then. Skips as above.
void supervise_out_of_memory(const OrdealOptions& options);

} // namespace faultline::stress
