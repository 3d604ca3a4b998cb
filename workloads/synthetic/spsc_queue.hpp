// A bounded queue from one thread to one other, in arena memory: what passes blocks between threads one at a time without
// being itself a matter of the allocator. No locks; a full or an empty queue is said, and the caller does something else.
#pragma once

#include "workloads/engine/arena.hpp"

#include <atomic>
#include <cstddef>
#include <span>

namespace faultline::synthetic {

template <typename T>
class alignas(64) SpscQueue {
  public:
    void prepare(engine::Arena& arena, std::size_t depth) { ring_ = arena.array<T>(depth); }

    bool push(const T& value) { // by the one producer; false: full
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        if (tail - head_seen_ == ring_.size()) {
            head_seen_ = head_.load(std::memory_order_acquire);
            if (tail - head_seen_ == ring_.size())
                return false;
        }
        ring_[tail % ring_.size()] = value;
        tail_.store(tail + 1, std::memory_order_release);
        return true;
    }
    bool pop(T& value) { // by the one consumer; false: empty
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (head == tail_seen_) {
            tail_seen_ = tail_.load(std::memory_order_acquire);
            if (head == tail_seen_)
                return false;
        }
        value = ring_[head % ring_.size()];
        head_.store(head + 1, std::memory_order_release);
        return true;
    }

  private:
    std::span<T> ring_;
    alignas(64) std::atomic<std::size_t> tail_{0}; // the producer's
    std::size_t head_seen_ = 0;
    alignas(64) std::atomic<std::size_t> head_{0}; // the consumer's
    std::size_t tail_seen_ = 0;
};

} // namespace faultline::synthetic
