// All checks there are. The harness links this for names, promises and time limits; only `faultline-check` runs one.
#pragma once

#include "base/error.hpp"
#include "workloads/stress/check.hpp"

#include <string>
#include <vector>

namespace faultline::stress {

// In the order in which they are run and listed.
std::vector<const Check*> all_checks();

const Check* find_check(std::string_view name); // null when there is none

// Those that any of the patterns means, in the catalog's order: a name, a kind ("misuse"), or a glob ("*.calloc-*").
// No pattern at all means all. Fails with `usage`, naming the nearest name, where a pattern means none.
Result<std::vector<const Check*>> select_checks(const std::vector<std::string>& patterns);

// As the patterns above, for one name.
bool means(const std::string& pattern, std::string_view name);

} // namespace faultline::stress
