// The random numbers of every operation stream: the same on every machine, compiler and allocator.
//
// xoshiro256++ 1.0 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47(4),
// 2021), its state filled by SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) as its authors advise. Streams
// are split by number: Rng(seed, a) and Rng(seed, b) start from unrelated states, so that each thread has its
// own and no stream depends on how many others there are. Not for secrets. Not thread-safe: one generator,
// one thread.
#pragma once

#include <bit>
#include <cstdint>

namespace faultline::engine {

// SplitMix64's finalizer: a bijection on 64 bits in which every input bit reaches every output bit.
constexpr std::uint64_t mix64(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

inline constexpr std::uint64_t golden_gamma = 0x9e3779b97f4a7c15; // 2^64 over the golden ratio, odd

class SplitMix64 {
  public:
    constexpr explicit SplitMix64(std::uint64_t state) : state_(state) {}
    constexpr std::uint64_t next() { return mix64(state_ += golden_gamma); }

  private:
    std::uint64_t state_;
};

class Rng {
  public:
    constexpr explicit Rng(std::uint64_t seed, std::uint64_t stream = 0) {
        SplitMix64 fill(seed ^ mix64(stream * golden_gamma));
        for (std::uint64_t& word : state_)
            word = fill.next();
    }

    // From a state as is (not all zero): for comparison with published vectors.
    constexpr Rng(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d) : state_{a, b, c, d} {}

    constexpr std::uint64_t next() {
        const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
        const std::uint64_t shifted = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = std::rotl(state_[3], 45);
        return result;
    }

    // Uniform in [0, bound), bound > 0. One draw each, without rejection, so that a stream's position does
    // not depend on its values; the bias is below bound / 2^64.
    constexpr std::uint64_t below(std::uint64_t bound) {
        __extension__ using Wide = unsigned __int128;
        return static_cast<std::uint64_t>((static_cast<Wide>(next()) * bound) >> 64);
    }

    // Uniform in [low, high], both included.
    constexpr std::uint64_t between(std::uint64_t low, std::uint64_t high) {
        return low + below(high - low + 1);
    }

    constexpr bool chance(unsigned percent) { return below(100) < percent; }

    constexpr double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; } // [0, 1)

  private:
    std::uint64_t state_[4]{};
};

} // namespace faultline::engine
