// What of this process is resident, asked without stdio, which would take a buffer from the heap under test.
#pragma once

#include <cstdint>

namespace faultline::stress {

// What a heap holds, asked of itself: for where residency is not the heap's alone, as under a sanitizer, whose shadow
// memory is never given back.
using HeldBytes = std::uint64_t (*)();

std::uint64_t own_resident_bytes(); // 0 when the kernel does not say

} // namespace faultline::stress
