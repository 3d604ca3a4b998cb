// What of this process is resident, asked without stdio, which would take a buffer from the heap under test.
#pragma once

#include <cstdint>

namespace faultline::stress {

std::uint64_t own_resident_bytes(); // 0 when the kernel does not say

} // namespace faultline::stress
