// What the patterns share that look at memory over time: slots that are filled and emptied again and again, in an order drawn
// once, with a footprint (live against resident bytes) taken at points of each tide.
#pragma once

#include "workloads/engine/footprint.hpp"
#include "workloads/synthetic/pattern.hpp"
#include "workloads/synthetic/slots.hpp"

#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace faultline::synthetic {

class Tides : public Pattern {
  public:
    using Pattern::Pattern;

    void warmup() final { footprint_.begin(); } // the heap is cold when the first tide comes
    std::span<const engine::FootprintSample> footprint() const final { return footprint_.samples(); }
    std::vector<std::string> notes() const final;

  protected:
    static constexpr std::size_t points = 8; // of the footprint, in each rise and each fall

    void prepare_footprint(std::size_t tides) { footprint_.prepare(arena_, tides * (2 * points + 4)); }

    std::span<std::uint32_t> shuffled_indices(std::size_t count, engine::Rng& random) {
        const std::span<std::uint32_t> order = arena_.array<std::uint32_t>(count);
        std::iota(order.begin(), order.end(), 0U);
        for (std::size_t i = count; i > 1; --i)
            std::swap(order[i - 1], order[random.below(i)]);
        return order;
    }

    void fill(engine::Heap& heap, SlotBlock& slot, std::size_t size) {
        fill_slot(heap, slot, size, cookie_ += engine::golden_gamma, engine::Touch::page);
        live_bytes_ += size;
    }
    std::uint64_t empty(engine::Heap& heap, SlotBlock& slot) {
        live_bytes_ -= slot.memory != nullptr ? slot.size : 0;
        return empty_slot(heap, slot, engine::Touch::page);
    }
    void sample() { footprint_.sample(live_bytes_); }

    // Calls step(i) for all i below `count`, with a sample after each of `points` parts of them.
    template <typename Step>
    void in_parts(std::size_t count, Step&& step) {
        for (std::size_t part = 0; part < points; ++part) {
            for (std::size_t i = count * part / points; i < count * (part + 1) / points; ++i)
                step(i);
            sample();
        }
    }

  private:
    std::uint64_t live_bytes_ = 0;
    std::uint64_t cookie_ = engine::mix64(seed_);
    engine::Footprint footprint_;
};

} // namespace faultline::synthetic
