// The results for other programs: TAP 13 (testanything.org) and JUnit's XML, as CI systems read it.
#pragma once

#include "harness/stress/campaign.hpp"

#include <string>

namespace faultline::stress {

// One test for each check on each allocator, "ALLOCATOR CHECK". An outcome that is information is a test that passed,
// with the outcome in its description. What is broken says whether it is known or new; where what is known is accepted, it
// is TAP's TODO and JUnit's skipped, which readers do not count as failures.
std::string tap(const Plan& plan, const Campaign& campaign);

// One test suite for each allocator.
std::string junit(const Plan& plan, const Campaign& campaign);

} // namespace faultline::stress
