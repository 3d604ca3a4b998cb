// A process and what descends from it, as /proc tells it now. What comes and goes meanwhile may be missed.
#pragma once

#include <sys/types.h>
#include <vector>

namespace faultline::probes {

// `root` first, then its children, theirs, and so on; empty when it is gone.
std::vector<pid_t> process_tree(pid_t root);

// Empty when the process is gone.
std::vector<pid_t> threads_of(pid_t process);

} // namespace faultline::probes
