// malloc-large: a few blocks of many megabytes, replaced at random: what an allocator gives back to the
// kernel and takes again, and what that costs in faults.
#include "workloads/engine/parameter.hpp"
#include "workloads/synthetic/pattern.hpp"
#include "workloads/synthetic/slots.hpp"
#include "workloads/synthetic/specs.hpp"

namespace faultline::synthetic {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    integer_parameter("slots", "20", 1, 1 << 16, "blocks", "live at a time"),
    integer_parameter("min_size", "5M", 1, std::int64_t{1} << 31, "bytes", "smallest block"),
    integer_parameter("max_size", "25M", 1, std::int64_t{1} << 31, "bytes",
                      "largest block; sizes are uniform between the two"),
    integer_parameter("operations", "100", 1, 1 << 24, "replacements", "the original makes 2000"),
    choice_parameter("touch", "all", touch_choices, "what is written; the original zeroes its blocks"),
};

class MallocLarge final : public Pattern {
  public:
    explicit MallocLarge(const Arguments& arguments)
        : Pattern(arguments), slot_count_(count_of(arguments, "slots")),
          min_size_(count_of(arguments, "min_size")), max_size_(count_of(arguments, "max_size")),
          steps_(count_of(arguments, "operations")), touch_(touch_from(arguments.text("touch"))) {}

    Result<void> prepare() override {
        prepare_lanes(1, {Operation::malloc, Operation::free});
        slots_ = arena_.array<SlotBlock>(slot_count_);
        cookie_ = mix64(seed_);
        stream_ = arena_.array<Replacement>(slot_count_ + steps_);
        Rng random(seed_);
        std::uint32_t next = 0;
        for (Replacement& step : stream_) // the first ones fill every slot
            step = {next < slot_count_ ? next++ : static_cast<std::uint32_t>(random.below(slot_count_)),
                    static_cast<std::uint32_t>(random.between(min_size_, max_size_))};
        return {};
    }
    void warmup() override { replace(stream_.first(slot_count_)); }
    void work() override { replace(stream_.subspan(slot_count_)); }
    void drain() override {
        in_lane(0, [&](Heap& heap, std::uint64_t& sum) {
            for (SlotBlock& slot : slots_)
                sum += empty_slot(heap, slot, touch_);
        });
    }
    std::uint64_t operations() const override { return 2 * steps_; }

  private:
    void replace(std::span<const Replacement> stream) {
        in_lane(0, [&](Heap& heap, std::uint64_t& sum) {
            for (const Replacement& step : stream) {
                sum += empty_slot(heap, slots_[step.slot], touch_);
                fill_slot(heap, slots_[step.slot], step.size, cookie_ += golden_gamma, touch_);
            }
        });
    }

    std::uint64_t slot_count_;
    std::uint64_t min_size_;
    std::uint64_t max_size_;
    std::uint64_t steps_;
    Touch touch_;
    std::span<SlotBlock> slots_;
    std::span<Replacement> stream_;
    std::uint64_t cookie_ = 0; // of the block made last
};

Cost cost(const Arguments& arguments) {
    const std::uint64_t slots = count_of(arguments, "slots");
    const std::uint64_t steps = count_of(arguments, "operations");
    const std::uint64_t max_size = count_of(arguments, "max_size");
    return {.live_bytes = slots * max_size,
            .allocated_bytes = (slots + steps) * ((count_of(arguments, "min_size") + max_size) / 2 + 1),
            .operations = 2 * steps};
}

} // namespace

constinit const WorkloadSpec malloc_large_spec = {
    .name = "malloc-large",
    .summary = "20 blocks of 5 to 25 MiB replaced at random",
    .citation = "mimalloc-bench malloc-large",
    .parameters = parameters,
    .threaded = false,
    .micro = false,
    .cost = cost,
    .make = make_pattern<MallocLarge>,
    .check = check_sizes,
};

} // namespace faultline::synthetic
