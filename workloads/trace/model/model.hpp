// A model of a trace: how its blocks are distributed over size, lifetime, threads and time, without an address or a byte
// of the program, and small enough to publish. MODEL.md has the file.
//
// The trace is cut into `segments` of equally many allocations. A block that lives for less than a sixteenth of a segment is *short*:
// of these are known, for the whole trace, size and lifetime together, and each thread's sizes. A longer one is known by
// the segments it is born and dies in and by its size. The largest blocks, which make the peaks, are known one by one.
#pragma once

#include "workloads/trace/model/lives.hpp"

#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace faultline::trace {

inline constexpr std::uint32_t model_segments = 64;
inline constexpr std::uint32_t model_parts = 16; // of a segment, for when its longer blocks are born and die
inline constexpr std::uint32_t model_threads = 64; // further ones are taken as one of these
inline constexpr std::size_t model_drops = 512;    // at most
inline constexpr std::size_t model_blocks = 1024;  // that are known one by one, at most

// Sizes from `low` to `high` with a mean of bytes / count.
struct SizeClass {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
};

// How a class's blocks are made: by which call, with which alignment.
struct Making {
    std::uint32_t size_class = 0;
    Op op = Op::malloc;
    std::uint8_t alignment_log2 = 0;
    auto operator<=>(const Making&) const = default; // NOLINT(modernize-use-nullptr): of clang-tidy's making
};

struct LongLived {          // of one kind
    std::uint32_t born = 0; // segment
    std::uint32_t dead = 0; // segment; model_segments: never
    std::uint32_t size_class = 0;
    auto operator<=>(const LongLived&) const = default; // NOLINT(modernize-use-nullptr): as above
};

struct Load { // of a thread in a segment
    std::uint64_t short_lived = 0;
    std::uint64_t long_lived = 0;
};

struct Moment { // how many of the longer blocks in a part of a segment
    std::uint64_t born = 0;
    std::uint64_t dead = 0;
};

using Pair = std::array<std::uint32_t, 2>;

struct Model {
    std::uint64_t allocations = 0;
    bool timed = false;
    std::uint32_t mean_run = 1;                // allocations in a row by one thread, at least 1
    std::vector<std::uint64_t> segment_end_ns; // from the trace's begin; empty without times
    std::vector<SizeClass> sizes;
    std::map<Making, std::uint64_t> makings;
    std::map<Pair, Load> loads;              // by segment and thread
    std::map<Pair, std::uint64_t> mixes;     // short ones by thread and size class
    std::map<Pair, std::uint64_t> lifetimes; // short ones by size class and lifetime bin
    std::map<LongLived, std::uint64_t> long_ones;
    std::map<Pair, Moment> moments; // by segment and part
    std::map<std::uint64_t, std::uint64_t>
        drops; // many of the longer ones at once: by Life::dead, also in `moments`
    std::map<Pair, std::uint64_t> releases; // by maker and releaser
    std::vector<Life> blocks;               // the largest, one by one, in order of birth

    std::uint64_t part_begin(std::uint32_t segment, std::uint32_t part) const {
        const std::uint64_t begin = segment_begin(segment);
        return begin + (segment_begin(segment + 1) - begin) * part / model_parts;
    }
    std::uint64_t segment_begin(std::uint64_t segment) const {
        return static_cast<std::uint64_t>(static_cast<unsigned __int128>(allocations) * segment /
                                          model_segments);
    }
};

// Lifetimes in bins: each number to 15 its own, from there eight bins for a doubling.
std::uint32_t lifetime_bin(std::uint64_t lifetime);
std::uint64_t lifetime_bin_begin(std::uint32_t bin); // the least lifetime in it; that of bin + 1 is beyond it

// The part of a segment that a moment is in: of a birth its number, of a death that less 1.
std::uint32_t part_of(const Model& model, std::uint32_t segment, std::uint64_t moment);

Model fit(const Lives& lives);

std::string to_text(const Model& model);
Result<void> write_model(const Model& model, const std::filesystem::path& path);

} // namespace faultline::trace
