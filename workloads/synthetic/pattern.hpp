// What the synthetic patterns share: an arena, one lane for each thread, and the checksum over the lanes.
#pragma once

#include "workloads/engine/arena.hpp"
#include "workloads/engine/heap.hpp"
#include "workloads/engine/latency.hpp"
#include "workloads/engine/rng.hpp"
#include "workloads/engine/workload.hpp"

#include <initializer_list>
#include <span>

namespace faultline::synthetic {

class Pattern : public engine::Workload {
  public:
    explicit Pattern(const engine::Arguments& arguments)
        : seed_(arguments.seed), threads_(arguments.threads),
          latency_every_(static_cast<std::uint64_t>(arguments.integer("latency_every"))) {}

    void measure() final {
        sampling_ = true;
        work();
        sampling_ = false;
    }
    // A sum, so that it does not matter which thread read a block back.
    std::uint64_t checksum() const override {
        std::uint64_t sum = engine::mix64(seed_) + main_sum_;
        for (const Lane& lane : lanes_)
            sum += lane.sum;
        return engine::mix64(sum);
    }
    void collect_latency(engine::LatencyRecorder& all, engine::Arena& arena) const override {
        for (const Lane& lane : lanes_)
            all.merge(arena, lane.recorder);
    }

  protected:
    virtual void work() = 0; // what measure() times

    // What one thread writes to while the clock runs, on cache lines of its own.
    struct alignas(64) Lane {
        engine::LatencyRecorder recorder;
        std::uint64_t sum = 0; // of what was read back
    };

    void prepare_lanes(unsigned count, std::initializer_list<engine::Operation> operations) {
        lanes_ = arena_.array<Lane>(count);
        for (Lane& lane : lanes_)
            lane.recorder.prepare(arena_, latency_every_, {operations.begin(), operations.size()});
    }

    // Runs job(heap, sum) with the lane's recorder and sum in local variables, where they can live in
    // registers. Outside of measure() no call is sampled: the first touch of fresh memory, or a free of the
    // whole heap, is no latency of the pattern. What is read back counts all the same.
    template <typename Job>
    void in_lane(unsigned index, Job&& job) {
        Lane& lane = lanes_[index];
        engine::LatencyRecorder recorder = sampling_ ? lane.recorder : engine::LatencyRecorder();
        engine::Heap heap(recorder);
        std::uint64_t sum = 0;
        job(heap, sum);
        if (sampling_)
            lane.recorder = recorder;
        lane.sum += sum;
    }

    // The same for what is not measured: warmup() and drain() on the main thread.
    template <typename Job>
    void unmeasured(Job&& job) {
        engine::LatencyRecorder unrecorded;
        engine::Heap heap(unrecorded);
        job(heap, main_sum_);
    }

    engine::Arena arena_;
    std::span<Lane> lanes_;
    std::uint64_t seed_;
    unsigned threads_;

  private:
    std::uint64_t latency_every_;
    std::uint64_t main_sum_ = 0;
    bool sampling_ = false; // changed only while no other thread is in a lane
};

// A count or a size among the arguments.
inline std::uint64_t count_of(const engine::Arguments& arguments, std::string_view name) {
    return static_cast<std::uint64_t>(arguments.integer(name));
}

template <typename Made>
std::unique_ptr<engine::Workload> make_pattern(const engine::Arguments& arguments) {
    return std::make_unique<Made>(arguments);
}

// For WorkloadSpec::check of the patterns with min_size and max_size.
inline Result<void> check_sizes(const engine::Arguments& arguments, std::string_view where) {
    if (arguments.integer("min_size") > arguments.integer("max_size"))
        return fail(Exit::usage, std::string(where), "min_size is above max_size", "exchange the two");
    return {};
}

} // namespace faultline::synthetic
