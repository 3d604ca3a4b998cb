// A log-linear histogram of nanoseconds: 32 equal buckets in each power of two, so a bucket's upper bound is
// at most 1/32 (3.2 %) above any value in it, and values below 32 ns are exact. Fixed size, no allocation;
// one writer.
//
// The layout is HdrHistogram's (Tene, hdrhistogram.org) with 5 bits of precision.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace faultline::engine {

class Histogram {
  public:
    static constexpr unsigned precision_bits = 5;
    static constexpr unsigned value_bits =
        36; // up to 68 s; what is longer counts as that, and in max_ns() as it is
    static constexpr std::size_t bucket_count = std::size_t{value_bits - precision_bits + 1}
                                                << precision_bits;

    static constexpr std::size_t bucket_of(std::uint64_t ns) {
        constexpr std::uint64_t largest = (std::uint64_t{1} << value_bits) - 1;
        ns = ns < largest ? ns : largest;
        const unsigned width = static_cast<unsigned>(std::bit_width(ns));
        if (width <= precision_bits)
            return ns;
        const unsigned shift = width - 1 - precision_bits;
        return (std::size_t{shift} << precision_bits) + (ns >> shift);
    }
    // The largest value that falls into the bucket.
    static constexpr std::uint64_t upper_ns(std::size_t bucket) {
        if (bucket < (std::size_t{2} << precision_bits))
            return bucket;
        const unsigned shift = static_cast<unsigned>(bucket >> precision_bits) - 1;
        const std::uint64_t lead = (bucket & ((1U << precision_bits) - 1)) | (1U << precision_bits);
        return ((lead + 1) << shift) - 1;
    }

    void add(std::uint64_t ns) {
        ++buckets_[bucket_of(ns)];
        if (ns > max_ns_)
            max_ns_ = ns;
    }
    void merge(const Histogram& other);

    std::uint64_t count() const;
    std::uint64_t max_ns() const { return max_ns_; }
    std::uint64_t bucket(std::size_t index) const { return buckets_[index]; }

    // The upper bound of the bucket that holds the value of rank ceil(quantile * count), never above
    // max_ns(); 0 when empty. 0 < quantile <= 1.
    std::uint64_t quantile_ns(double quantile) const;

  private:
    std::array<std::uint32_t, bucket_count> buckets_{};
    std::uint64_t max_ns_ = 0;
};

} // namespace faultline::engine
