// Allocates before main, for the check that looks at it then. Called by the program that runs checks, from a static
// constructor.
#pragma once

namespace faultline::stress::conformance {

void allocate_before_main();

} // namespace faultline::stress::conformance
