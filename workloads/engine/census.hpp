// What a workload's stream of operations is really made of, counted in a dry run: sizes, lifetimes, live bytes, frees by other
// threads. It listens to every call, so that the picture of a pattern in its documentation is measured by the one path that
// all patterns take. Times mean nothing then.
//
// Thread-safe. Takes its memory from malloc: not for a trial.
#pragma once

#include "workloads/engine/listener.hpp"

#include <array>
#include <cstdint>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace faultline::engine {

// Powers of two: bucket 0 holds 0 and 1, bucket b the numbers above 2^(b-1) up to 2^b.
inline constexpr std::size_t census_buckets = 48;

class Census final : public Listener {
  public:
    // Listens to the first `most` allocations from the start of warm-up on: enough for a picture.
    explicit Census(std::uint64_t most);

    void begin_measure(); // what is made from here on is counted, what was made before is known
    void end_measure();   // what is still live lived to the end

    void made(Operation operation, void* block, std::size_t bytes) override;
    void gone(Operation operation, void* block, std::size_t bytes) override;

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

    std::mutex mutex_;
    std::unordered_map<const void*, Block> live_;
    std::uint64_t most_;
    std::uint64_t allocations_ = 0;
    std::uint64_t live_bytes_ = 0;
    bool measuring_ = false;
    Figures figures_;
};

} // namespace faultline::engine
