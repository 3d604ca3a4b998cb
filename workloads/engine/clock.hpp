// The clocks: CLOCK_MONOTONIC and the process's CPU time for phases, and a tick counter for single
// operations.
#pragma once

#include <cstdint>
#include <ctime>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace faultline::engine {

inline std::uint64_t read_clock_ns(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}
inline std::uint64_t monotonic_ns() {
    return read_clock_ns(CLOCK_MONOTONIC);
}
inline std::uint64_t process_cpu_ns() {
    return read_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

// Ticks for one operation: the time stamp counter where the processor says that it is invariant, else
// CLOCK_MONOTONIC. calibrate() once, before threads start and before a phase is timed; it takes about 2 ms
// the first time.
class Ticks {
  public:
    static void calibrate();
    static bool from_tsc() { return use_tsc; }
    // What a pair of reads with nothing between them shows, median: the floor of every sample, not
    // subtracted.
    static std::uint64_t overhead_ns() { return overhead; }

    static std::uint64_t begin() {
#if defined(__x86_64__)
        if (use_tsc) [[likely]] {
            _mm_lfence(); // what came before has finished
            const std::uint64_t now = __rdtsc();
            _mm_lfence(); // what is timed has not begun
            return now;
        }
#endif
        return monotonic_ns();
    }
    static std::uint64_t end() {
#if defined(__x86_64__)
        if (use_tsc) [[likely]] {
            unsigned processor = 0;
            const std::uint64_t now = __rdtscp(&processor);
            _mm_lfence();
            return now;
        }
#endif
        return monotonic_ns();
    }
    static std::uint64_t to_ns(std::uint64_t ticks) {
        __extension__ using Wide = unsigned __int128;
        return static_cast<std::uint64_t>((static_cast<Wide>(ticks) * ns_per_tick_q32) >> 32);
    }

  private:
    static bool use_tsc;
    static std::uint64_t ns_per_tick_q32; // nanoseconds a tick, times 2^32
    static std::uint64_t overhead;
};

} // namespace faultline::engine
