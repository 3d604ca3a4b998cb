// Plays one thread's words on the allocator under test. The hot loop of replay: no branch, load or store in
// it that the calls, the touching and the proof do not need, because its cost is in every measurement.
#pragma once

#include "workloads/engine/latency.hpp"
#include "workloads/engine/touch.hpp"
#include "workloads/trace/handover.hpp"
#include "workloads/trace/pace.hpp"
#include "workloads/trace/program.hpp"
#include "workloads/trace/word_feed.hpp"

#include <span>

namespace faultline::trace {

class Player {
  public:
    // What it plays and where its blocks lie; all memory is the caller's. `salt` tells the cookies of threads
    // apart.
    void prepare(const WordFeed& words, std::span<void*> slots, EdgeTable& edges, std::ptrdiff_t slack,
                 std::uint64_t salt, engine::Touch touch);

    engine::LatencyRecorder& recorder() { return recorder_; }
    Pace& pace() { return pace_; } // of a paced program
    const Pace& pace() const { return pace_; }
    const engine::LatencyRecorder& recorder() const { return recorder_; }

    // Plays all words once. The slots must be empty before, and hold the leftovers after.
    void play();

    // Proves that the leftovers, and nothing else, are in the slots; their bytes. Otherwise ends the worker.
    std::uint64_t live_bytes(std::span<const Leftover> leftovers) const;

    void free_leftovers(std::span<const Leftover> leftovers);

    std::uint64_t late_frees() const { return handover_.late_total(); }
    std::uint64_t sum() const { return sum_; } // of the cookies read back so far

  private:
    template <engine::Touch touch>
    void play_words();
    template <typename Release>
    void wait_until(std::uint64_t recorded_ns, WordFeed::Word at, Release release);
    template <typename Release>
    WordFeed::Word look_after(WordFeed::Word poll, Release release);

    WordFeed words_;
    std::span<void*> slots_;
    std::uint64_t salt_ = 0;
    engine::Touch touch_ = engine::Touch::page;
    std::uint64_t sum_ = 0;
    Handover handover_;
    Pace pace_;
    engine::LatencyRecorder recorder_;
};

} // namespace faultline::trace
