#include "workloads/engine/latency.hpp"

namespace faultline::engine {

void LatencyRecorder::prepare(Arena& arena, std::uint64_t every, std::span<const Operation> operations) {
    every_ = every;
    if (every == 0)
        return;
    countdown_ = every;
    for (const Operation operation : operations)
        tables_[static_cast<std::size_t>(operation)] = arena.array<Histogram>(size_class_count).data();
}

void LatencyRecorder::merge(Arena& arena, const LatencyRecorder& other) {
    every_ = std::max(every_, other.every_);
    for (std::size_t operation = 0; operation < operation_count; ++operation) {
        const Histogram* theirs = other.tables_[operation];
        if (theirs == nullptr)
            continue;
        if (tables_[operation] == nullptr)
            tables_[operation] = arena.array<Histogram>(size_class_count).data();
        for (std::size_t size_class = 0; size_class < size_class_count; ++size_class)
            tables_[operation][size_class].merge(theirs[size_class]);
    }
}

} // namespace faultline::engine
