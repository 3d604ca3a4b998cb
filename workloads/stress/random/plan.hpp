// A plan: what several threads will do with a heap, fixed before the first call. It is a list of steps in one order in
// which they could happen, so every plan can be carried out one step at a time (the same each time) as well as by
// threads that wait for each other only where one uses a block of another. A plan is also what a trace says, and
// trace.hpp turns one into the other.
#pragma once

#include "workloads/engine/rng.hpp"
#include "workloads/trace/event.hpp"

#include <cstdint>
#include <span>

namespace faultline::stress {

// What a step does beyond trace::Op.
inline constexpr auto op_fork =
    static_cast<trace::Op>(64); // a child looks at the thread's blocks and uses the heap

// Blocks are numbered from 1, are made by one step and given up by at most one later step. A realloc gives up `old`
// (0: NULL) and makes `block`.
struct Step {
    std::uint64_t size = 0;  // bytes in all, for calloc too
    std::uint64_t extra = 0; // alignment; for calloc the number of elements
    std::uint32_t block = 0;
    std::uint32_t old = 0;
    std::uint16_t thread = 0;
    trace::Op op = trace::Op::malloc;

    bool makes() const { return op != op_fork && trace::allocates(op); }
    std::uint32_t given_up() const {
        return op == trace::Op::realloc_to ? old : op != op_fork && trace::releases(op) ? block : 0;
    }
};

struct Plan {
    std::span<const Step> steps;
    std::uint32_t blocks = 0;  // the highest number of one
    std::uint32_t threads = 0; // numbered from 0
    // How many threads live at once: thread k begins when thread k - lanes has ended. Threads end in order of number.
    std::uint32_t lanes = 0;
};

// What decides the finer choices of a block (which of several equivalent calls, what is written into it): the same in
// a plan of which parts were removed.
constexpr std::uint64_t nature_of(std::uint32_t block) {
    return engine::mix64(block * engine::golden_gamma);
}

} // namespace faultline::stress
