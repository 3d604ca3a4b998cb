// Which shared object an address belongs to.
#pragma once

#include <string>

namespace faultline::engine {

// Its real path; "" for null and for addresses in no object.
std::string object_of(const void* address);

} // namespace faultline::engine
