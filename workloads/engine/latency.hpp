// How long single operations took: every k-th call of one thread, by operation and size class.
//
// A recorder belongs to one thread at a time (a successor may inherit it). Its tables come from the arena in
// prepare(); nothing is allocated later. The common path of a call that is not sampled is one decrement and
// one branch.
#pragma once

#include "workloads/engine/arena.hpp"
#include "workloads/engine/clock.hpp"
#include "workloads/engine/histogram.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace faultline::engine {

enum class Operation : std::uint8_t {
    malloc,
    calloc,
    realloc,
    posix_memalign,
    free,
    operator_new,
    operator_delete,
    // The same calls for a block that another thread allocated, where the workload knows it.
    remote_free,
    remote_delete,
};
inline constexpr std::size_t operation_count = 9;
inline constexpr const char* operation_names[operation_count] = {
    "malloc",       "calloc",          "realloc",     "posix_memalign",        "free",
    "operator new", "operator delete", "remote free", "remote operator delete"};

// Powers of two from 8 B to 64 MiB, by what a request rounds up to; the last one takes all that is larger.
inline constexpr std::size_t size_class_count = 24;
constexpr std::size_t size_class_of(std::size_t bytes) {
    if (bytes <= 8)
        return 0;
    const auto log2_up = static_cast<std::size_t>(std::bit_width(bytes - 1));
    return std::min(log2_up - 3, size_class_count - 1);
}
constexpr std::size_t size_class_bytes(std::size_t size_class) {
    return std::size_t{8} << size_class;
}

class LatencyRecorder {
  public:
    // Tables for `operations` only: a sample of another one is dropped. `every` 0: never samples and takes no
    // memory.
    void prepare(Arena& arena, std::uint64_t every, std::span<const Operation> operations);

    // True for every k-th call: the caller then times this operation and hands the ticks to add().
    bool due() { return --countdown_ == 0; }
    void add(Operation operation, std::size_t bytes, std::uint64_t ticks) {
        countdown_ = every_;
        if (Histogram* table = tables_[static_cast<std::size_t>(operation)])
            table[size_class_of(bytes)].add(Ticks::to_ns(ticks));
    }

    // Makes every call due, for recorders that are made from now on and sample nothing themselves: a census then
    // sees what is called. Takes back what was asked before when false.
    static void sample_all(bool all) {
        first_countdown = all ? 1 : std::numeric_limits<std::uint64_t>::max();
    }
    void due_again() { countdown_ = first_countdown; }

    std::uint64_t every() const { return every_; }
    const Histogram* table(Operation operation) const { return tables_[static_cast<std::size_t>(operation)]; }

    // Adds what `other` saw; this one takes tables for it as needed.
    void merge(Arena& arena, const LatencyRecorder& other);

  private:
    static inline std::uint64_t first_countdown = std::numeric_limits<std::uint64_t>::max();

    std::uint64_t countdown_ = first_countdown;
    std::uint64_t every_ = 0;
    std::array<Histogram*, operation_count> tables_{}; // each points to size_class_count histograms
};

} // namespace faultline::engine
