// What the patterns of one thread share: an arena, a recorder, and the checksum.
#pragma once

#include "workloads/engine/arena.hpp"
#include "workloads/engine/latency.hpp"
#include "workloads/engine/rng.hpp"
#include "workloads/engine/workload.hpp"

#include <initializer_list>

namespace faultline::synthetic {

class SingleThreaded : public engine::Workload {
  public:
    explicit SingleThreaded(const engine::Arguments& arguments)
        : seed_(arguments.seed),
          latency_every_(static_cast<std::uint64_t>(arguments.integer("latency_every"))) {}

    std::uint64_t checksum() const override { return engine::mix64(sum_ + engine::mix64(seed_)); }
    void collect_latency(engine::LatencyRecorder& all, engine::Arena& arena) const override {
        all.merge(arena, recorder_);
    }

  protected:
    void prepare_recorder(std::initializer_list<engine::Operation> operations) {
        recorder_.prepare(arena_, latency_every_, {operations.begin(), operations.size()});
    }

    engine::Arena arena_;
    engine::LatencyRecorder recorder_;
    std::uint64_t seed_;
    std::uint64_t sum_ = 0; // of what was read back

  private:
    std::uint64_t latency_every_;
};

} // namespace faultline::synthetic
