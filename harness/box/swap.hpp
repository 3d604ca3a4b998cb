// Swap that a box makes for itself.
#pragma once

#include "harness/box/box.hpp"

namespace faultline::box {

// Makes it and switches it on, ahead of the host's own, after noting each step in the journal.
Result<void> make_swap(int journal, const Swap& swap);

} // namespace faultline::box
