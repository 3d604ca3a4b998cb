// What a workload's stream of operations is really made of, counted in a dry run: sizes, lifetimes, live bytes, frees by other
// threads. While a Census stands, every call of every Heap goes through it, so that the picture of a pattern in its
// documentation is measured by the one path that all patterns take. Times mean nothing then.
//
// One at a time, made before the workload's prepare(). Thread-safe. Takes its memory from malloc: not for a trial.
#pragma once

#include "workloads/engine/latency.hpp"

#include <array>
#include <cstdint>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace faultline::engine {

// Powers of two: bucket 0 holds 0 and 1, bucket b the numbers above 2^(b-1) up to 2^b.
inline constexpr std::size_t census_buckets = 48;

class Census {
  public:
    // Listens to the first `most` allocations from the start of warm-up on: enough for a picture.
    explicit Census(std::uint64_t most);
    ~Census();
    Census(const Census&) = delete;
    Census& operator=(const Census&) = delete;

    static Census* standing() { return installed; }

    void begin_measure(); // what is made from here on is counted, what was made before is known
    void end_measure();   // what is still live lived to the end

    // From Heap. A block is freed before the allocator has it back, and made once the caller has it.
    void made(Operation operation, const void* block, std::size_t bytes);
    void freed(Operation operation, const void* block);

    struct Figures {
        std::array<std::uint64_t, operation_count> calls{};
        std::array<std::uint64_t, census_buckets> blocks_by_size{};
        std::array<std::uint64_t, census_buckets> bytes_by_size{};
        // In allocations, of all threads, from a block's own to its free; of blocks freed in measure.
        std::array<std::uint64_t, census_buckets> blocks_by_lifetime{};
        std::uint64_t to_the_end = 0; // blocks that measure made and did not free
        std::uint64_t frees = 0;
        std::uint64_t frees_by_others = 0; // by a thread that did not make the block
        std::uint64_t peak_live_blocks = 0;
        std::uint64_t peak_live_bytes = 0;
        bool cut_short = false; // there was more to listen to
    };
    const Figures& figures() const { return figures_; }

  private:
    struct Block {
        std::uint64_t born; // how many allocations came before it
        std::size_t bytes;
        std::thread::id maker;
        bool measured;
    };

    static Census* installed;
    std::mutex mutex_;
    std::unordered_map<const void*, Block> live_;
    std::uint64_t most_;
    std::uint64_t allocations_ = 0;
    std::uint64_t live_bytes_ = 0;
    bool measuring_ = false;
    Figures figures_;
};

} // namespace faultline::engine
