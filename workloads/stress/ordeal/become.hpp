// From a check to its supervisor.
#pragma once

#include "workloads/stress/check.hpp"

namespace faultline::stress {

// Goes on as `faultline-ordeal ROLE` in this very process, without LD_PRELOAD, and told what it was. Comes back only by
// ending the check: skipped, when the program is not there.
[[noreturn]] void become_supervisor(const char* role, const char* variant, const Task& task);

} // namespace faultline::stress
