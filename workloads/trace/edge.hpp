// Hands one block from the thread that allocated it to the one that releases it. The taker waits for this
// block alone: it spins for about the time of a wake-up, then sleeps. A give costs one atomic exchange, and a
// system call only when somebody sleeps.
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

    void give(const Parcel& parcel) {
        block_ = parcel.block;
        cookie_ = parcel.cookie;
        size_ = parcel.size;
        if (state_.exchange(full, std::memory_order_acq_rel) == awaited) {
            ::syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
        }
    }

    // Leaves the edge empty, ready for another round of the program.
    Parcel take() {
        if (state_.load(std::memory_order_acquire) != full) [[unlikely]] {
            wait();
        }
        const Parcel parcel{block_, cookie_, size_};
        state_.store(empty, std::memory_order_relaxed);
        return parcel;
    }

  private:
    static constexpr std::uint32_t empty = 0;
    static constexpr std::uint32_t awaited = 1;
    static constexpr std::uint32_t full = 2;

    [[gnu::noinline]] void wait() {
        for (int spins = 0; spins < 100; ++spins) {
            if (state_.load(std::memory_order_acquire) == full) {
                return;
            }
            __builtin_ia32_pause();
        }
        std::uint32_t seen = empty;
        state_.compare_exchange_strong(seen, awaited, std::memory_order_acquire);
        while (state_.load(std::memory_order_acquire) != full) {
            ::syscall(SYS_futex, &state_, FUTEX_WAIT_PRIVATE, awaited, nullptr, nullptr, 0);
        }
    }

    std::atomic<std::uint32_t> state_{empty};
    std::uint32_t size_ = 0;
    void* block_ = nullptr;
    std::uint64_t cookie_ = 0;
};
static_assert(sizeof(Edge) == 32);

} // namespace faultline::trace
