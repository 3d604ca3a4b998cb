// drain-idle: spikes of load. The heap fills with mixed sizes, is freed at random but for a rest, and stands idle for a while,
// again and again: what an allocator keeps meanwhile, and what it costs to get back what it gave away.
#include "workloads/engine/parameter.hpp"
#include "workloads/synthetic/specs.hpp"
#include "workloads/synthetic/tides.hpp"

#include <ctime>

namespace faultline::synthetic {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    integer_parameter("live", "64M", 1 << 16, std::int64_t{1} << 40, "bytes", "at the top of a spike"),
    integer_parameter("spikes", "5", 1, 10'000, "spikes", "of load"),
    integer_parameter("rest", "2", 0, 100, "percent", "of the blocks, which stay through the idle time"),
    integer_parameter("pause_ms", "30", 0, 600'000, "ms", "of idle time after each spike"),
};

// Each doubling above 32 bytes is half as likely, up to 64 KiB: as many bytes in each.
constexpr std::uint32_t smallest_bound = 32;
constexpr std::uint32_t largest_bound = 64 << 10;
std::uint32_t draw_size(Rng& random) {
    std::uint32_t bound = smallest_bound;
    while (bound < largest_bound && random.chance(50))
        bound *= 2;
    return static_cast<std::uint32_t>(random.between(bound / 2 + 1, bound));
}
constexpr std::uint64_t mean_size =
    12 * 13; // three quarters of 16 for eleven doublings, twice that for the last

std::uint64_t blocks_of(const Arguments& arguments) {
    return std::max<std::uint64_t>(count_of(arguments, "live") / mean_size, 16);
}

class DrainIdle final : public Tides {
  public:
    explicit DrainIdle(const Arguments& arguments)
        : Tides(arguments), blocks_(blocks_of(arguments)), spikes_(count_of(arguments, "spikes")),
          rest_(blocks_ * count_of(arguments, "rest") / 100), pause_ms_(arguments.integer("pause_ms")) {}

    Result<void> prepare() override {
        prepare_lanes(1, {Operation::malloc, Operation::free});
        prepare_footprint(spikes_);
        Rng random(seed_);
        order_ = shuffled_indices(blocks_, random);
        sizes_ = arena_.array<std::uint32_t>(blocks_);
        for (std::uint32_t& size : sizes_)
            size = draw_size(random);
        slots_ = arena_.array<SlotBlock>(blocks_);
        return {};
    }
    void work() override {
        in_lane(0, [&](Heap& heap, std::uint64_t& sum) {
            for (std::uint64_t spike = 0; spike < spikes_; ++spike) {
                in_parts(blocks_, [&](std::size_t i) {
                    if (slots_[i].memory == nullptr)
                        fill(heap, slots_[i], sizes_[i]);
                });
                in_parts(blocks_ - rest_, [&](std::size_t i) { sum += empty(heap, slots_[order_[i]]); });
                pause();
                sample();
            }
        });
    }
    void drain() override {
        unmeasured([&](Heap& heap, std::uint64_t& sum) {
            for (SlotBlock& slot : slots_)
                sum += empty(heap, slot);
        });
    }
    std::uint64_t operations() const override { return operations(blocks_, rest_, spikes_); }

    static std::uint64_t operations(std::uint64_t blocks, std::uint64_t rest, std::uint64_t spikes) {
        return 2 * spikes * (blocks - rest) + rest; // the rest is made once
    }

  private:
    void pause() const {
        timespec left{pause_ms_ / 1000, pause_ms_ % 1000 * 1'000'000};
        while (nanosleep(&left, &left) != 0) {
        }
    }

    std::size_t blocks_;
    std::uint64_t spikes_;
    std::size_t rest_;
    std::int64_t pause_ms_;
    std::span<std::uint32_t> order_; // in which blocks go; the last ones stay
    std::span<std::uint32_t> sizes_;
    std::span<SlotBlock> slots_;
};

Cost cost(const Arguments& arguments) {
    const std::uint64_t blocks = blocks_of(arguments);
    const std::uint64_t rest = blocks * count_of(arguments, "rest") / 100;
    const std::uint64_t spikes = count_of(arguments, "spikes");
    return {.live_bytes = blocks * mean_size * 5 / 4,
            .allocated_bytes = spikes * blocks * mean_size,
            .operations = DrainIdle::operations(blocks, rest, spikes)};
}

} // namespace

constinit const WorkloadSpec drain_idle_spec = {
    .name = "drain-idle",
    .summary = "spikes of load with idle time between them: what is kept, and what it costs to come back",
    .citation =
        "this project; after the decay and background threads of jemalloc and tcmalloc's release rate",
    .parameters = parameters,
    .threaded = false,
    .micro = false,
    .cost = cost,
    .make = make_pattern<DrainIdle>,
};

} // namespace faultline::synthetic
