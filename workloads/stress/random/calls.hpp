// The calls that carry out a step. Where several are equivalent (operator new and new[], delete with and without the
// size, reallocarray and realloc), the block's nature chooses, so that a plan always makes the same calls.
#pragma once

#include "workloads/stress/random/plan.hpp"

#include <cstddef>

namespace faultline::stress {

struct Calls {
    void* (*allocate)(const Step& step); // NULL with errno, also where the call itself would throw
    void* (*reallocate)(void* old, const Step& step);
    void (*release)(void* block, const Step& maker);
    std::size_t (*usable_size)(void* block); // 0 when the allocator does not say
    void (*trim)();                          // gives free memory back to the system, where the allocator can
};

// Those of the process's own malloc family. Call once before threads start.
Calls process_calls();

// What the C standard and common ABIs ask of a block: 16, or the largest power of two that is no larger than the size.
std::size_t alignment_of(const Step& step);

} // namespace faultline::stress
