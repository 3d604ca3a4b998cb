// A mutex of four bytes: spins a little, then sleeps in the kernel. Constant-initialised, never destroyed,
// and it can be reset in the child of a fork, which a pthread mutex cannot portably be.
//
// Ranks: a thread that holds a lock may take only locks further down this list. fork() takes all in this
// order.
//   thread list -> shards -> barn (by shard, class) -> slab (by shard, class) -> slab regret -> areas -> named caches (their
//   list, then each) -> pcp (by CPU) -> zone -> metadata
#pragma once

#include <atomic>
#include <cstdint>

namespace sb {

class Lock {
  public:
    void lock() {
        uint32_t expected = free_state;
        if (!word_.compare_exchange_strong(expected, held_state, std::memory_order_acquire,
                                           std::memory_order_relaxed)) {
            lock_slowly();
        }
    }
    bool try_lock() {
        uint32_t expected = free_state;
        return word_.compare_exchange_strong(expected, held_state, std::memory_order_acquire,
                                             std::memory_order_relaxed);
    }
    void unlock() {
        if (word_.exchange(free_state, std::memory_order_release) == contended_state) {
            wake();
        }
    }
    // In the child of a fork, where no other thread is: the copy of a lock the forking thread held.
    void reset() { word_.store(free_state, std::memory_order_relaxed); }

  private:
    static constexpr uint32_t free_state = 0;
    static constexpr uint32_t held_state = 1;
    static constexpr uint32_t contended_state = 2; // held, and somebody may sleep

    void lock_slowly();
    void wake();

    std::atomic<uint32_t> word_{free_state};
};

class Guard {
  public:
    explicit Guard(Lock& lock) : lock_(lock) { lock_.lock(); }
    ~Guard() { lock_.unlock(); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

  private:
    Lock& lock_;
};

} // namespace sb
