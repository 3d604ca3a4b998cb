#include "workloads/engine/clock.hpp"

#include <algorithm>
#include <array>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace faultline::engine {

bool Ticks::use_tsc = false;
std::uint64_t Ticks::ns_per_tick_q32 = std::uint64_t{1} << 32;
std::uint64_t Ticks::overhead = 0;

namespace {

bool invariant_tsc() {
#if defined(__x86_64__)
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    // Intel SDM vol. 2A, CPUID leaf 80000007H: EDX bit 8, "Invariant TSC available".
    return __get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) != 0 && (edx & (1U << 8)) != 0;
#else
    return false;
#endif
}

} // namespace

void Ticks::calibrate() {
    static bool done = false;
    if (done)
        return;
    done = true;
    if (invariant_tsc()) {
        use_tsc = true;
        constexpr std::uint64_t long_enough_ns =
            2'000'000; // two clock reads of some 30 ns each: within 0.01 %
        const std::uint64_t clock_begin = monotonic_ns();
        const std::uint64_t ticks_begin = begin();
        std::uint64_t clock_end = clock_begin;
        while (clock_end - clock_begin < long_enough_ns)
            clock_end = monotonic_ns();
        const std::uint64_t ticks = end() - ticks_begin;
        ns_per_tick_q32 = static_cast<std::uint64_t>(static_cast<double>(clock_end - clock_begin) * 0x1p32 /
                                                     static_cast<double>(ticks));
    }
    std::array<std::uint64_t, 101> pairs{};
    for (std::uint64_t& pair : pairs) {
        const std::uint64_t from = begin();
        pair = end() - from;
    }
    std::ranges::nth_element(pairs, pairs.begin() + pairs.size() / 2);
    overhead = to_ns(pairs[pairs.size() / 2]);
}

} // namespace faultline::engine
