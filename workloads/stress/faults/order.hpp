// In which order calls are made to fail, one run each, where there is no time for all: first one of each kind, which of
// it being drawn, then another of each, and so on. Every seed has an order of its own, so that runs reach other calls.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace faultline::stress {

// `kinds[n - 1]` is the kind of the n-th call, any number. All numbers from 1 on, each once.
std::vector<std::uint64_t> order_of_faults(std::span<const std::uint64_t> kinds, std::uint64_t seed);

// What has been tried of the calls of `kinds`.
class Coverage {
  public:
    explicit Coverage(std::span<const std::uint64_t> kinds);

    void add(std::uint64_t number); // the number of a call
    std::size_t tried() const { return tried_; }
    std::size_t kinds_tried() const;
    std::size_t kinds() const { return tried_of_.size(); }
    // A kind has not been tried at all, or fewer than least_tried calls though there are more.
    bool leaves_much() const;

    static constexpr std::size_t least_tried = 10;

  private:
    std::vector<std::size_t> kind_of_; // of each call, as an index
    std::vector<std::size_t> tried_of_;
    std::size_t tried_ = 0;
};

} // namespace faultline::stress
