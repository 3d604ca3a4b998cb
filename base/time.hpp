// Points in time as text.
#pragma once

#include <string>

namespace faultline {

// Now, in UTC, as RFC 3339 writes it: "2026-01-31T23:59:59Z".
std::string timestamp();

} // namespace faultline
