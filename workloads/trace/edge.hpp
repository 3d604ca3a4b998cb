// One place where a block goes from the thread that allocates it to the one that releases it. handover.hpp is
// one thread's side of many.
#pragma once

#include <atomic>
#include <cstdint>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace faultline::trace {

class alignas(32) Edge {
  public:
    struct Parcel {
        void* block;
        std::uint64_t cookie;
        std::uint32_t size; // saturated, as in the program's words
    };

    // True when the taker sleeps and must be woken.
    [[nodiscard]] bool put(const Parcel& parcel) {
        block_ = parcel.block;
        cookie_ = parcel.cookie;
        size_ = parcel.size;
        return state_.exchange(full, std::memory_order_acq_rel) == awaited;
    }
    void wake_taker() { ::syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0); }

    bool is_full() const { return state_.load(std::memory_order_acquire) == full; }
    void sleep_until_full() {
        std::uint32_t seen = empty;
        state_.compare_exchange_strong(seen, awaited, std::memory_order_acquire);
        while (!is_full()) {
            ::syscall(SYS_futex, &state_, FUTEX_WAIT_PRIVATE, awaited, nullptr, nullptr, 0);
        }
    }
    // Of a full edge; leaves it empty, ready for another round of the program.
    Parcel remove() {
        const Parcel parcel{block_, cookie_, size_};
        state_.store(empty, std::memory_order_relaxed);
        return parcel;
    }

  private:
    static constexpr std::uint32_t empty = 0;
    static constexpr std::uint32_t awaited = 1;
    static constexpr std::uint32_t full = 2;

    std::atomic<std::uint32_t> state_{empty};
    std::uint32_t size_ = 0;
    void* block_ = nullptr;
    std::uint64_t cookie_ = 0;
};
static_assert(sizeof(Edge) == 32);

} // namespace faultline::trace
