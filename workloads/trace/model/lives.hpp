// The blocks of a trace as lives: what a model is fitted to, and what two traces are compared by.
//
// Time is counted in allocations of all threads: the clock of a block's life is how many others were made meanwhile.
#pragma once

#include "workloads/trace/source.hpp"

#include <cstdint>
#include <limits>
#include <vector>

namespace faultline::trace {

inline constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

struct Life {
    std::uint64_t born = 0;     // number of the allocation
    std::uint64_t dead = never; // how many allocations had been made when it was released
    std::uint64_t size = 0;     // bytes
    std::uint32_t maker = 0;    // thread, counted from 0 in order of appearance
    std::uint32_t releaser = 0; // meaningless for a block that is never released
    Op op = Op::malloc;
    std::uint8_t alignment_log2 = 0;

    bool ends() const { return dead != never; }
    std::uint64_t lifetime() const { return dead - born - 1; } // of one that ends
};

struct Lives {
    std::vector<Life> blocks;           // in order of birth
    std::vector<std::uint64_t> born_ns; // of every 2^14th block, and of the last one; empty without times
    std::uint64_t peak_live_bytes = 0;
    std::uint32_t threads = 0;
    bool timed = false;
    std::uint64_t first_ns = 0;
    std::uint64_t last_ns = 0;

    static constexpr std::uint64_t stride = std::uint64_t{1} << 14;
};

// Reads the source to its end. Takes 48 bytes a block.
Result<Lives> lives_of(EventSource& source);

// How far two traces are apart.
struct Distance {
    double sizes = 0;     // Kolmogorov-Smirnov: the largest difference between the two distribution functions
    double lifetimes = 0; // the same; a block that is never released lives longest
    double peak = 0;      // second peak of live bytes to the first one's
    double foreign = 0;   // share of releases by another thread than the maker, second less first
};
Distance distance(const Lives& first, const Lives& second);

} // namespace faultline::trace
