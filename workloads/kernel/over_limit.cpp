// over-limit: a heap larger than the memory it may have (--memory-limit with --swap), read and replaced with a hot part:
// an allocator that scatters the hot blocks, or touches its own records, makes the kernel swap.
#include "workloads/engine/parameter.hpp"
#include "workloads/kernel/specs.hpp"
#include "workloads/synthetic/pattern.hpp"
#include "workloads/synthetic/slots.hpp"

#include <algorithm>
#include <numeric>

namespace faultline::kernel {

namespace {

using namespace engine;
using synthetic::count_of;
using synthetic::SlotBlock;

constexpr Parameter parameters[] = {
    integer_parameter("live", "96M", 1 << 16, std::int64_t{1} << 40, "bytes",
                      "of the heap: more than --memory-limit"),
    integer_parameter("min_size", "64", 1, std::int64_t{1} << 31, "bytes", "smallest block"),
    integer_parameter("max_size", "4K", 1, std::int64_t{1} << 31, "bytes",
                      "largest block; sizes are uniform between"),
    integer_parameter("hot", "20", 1, 100, "percent", "of the blocks, to which 80 percent of the visits go"),
    integer_parameter("operations", "200000", 8, std::int64_t{1} << 40, "visits",
                      "of a block, which is read"),
    integer_parameter("replace_every", "4", 1, 1 << 20, "visits",
                      "of which one frees the block and makes another"),
};

constexpr unsigned hot_visits_percent = 80;

std::uint64_t blocks_of(const Arguments& arguments) {
    return 2 * count_of(arguments, "live") /
               (count_of(arguments, "min_size") + count_of(arguments, "max_size")) +
           1;
}
std::uint64_t replacements_of(const Arguments& arguments) {
    return count_of(arguments, "operations") / count_of(arguments, "replace_every");
}

class OverLimit final : public synthetic::Pattern {
  public:
    explicit OverLimit(const Arguments& arguments)
        : Pattern(arguments), blocks_(blocks_of(arguments)), min_size_(count_of(arguments, "min_size")),
          max_size_(count_of(arguments, "max_size")),
          hot_(std::max<std::uint64_t>(blocks_ * count_of(arguments, "hot") / 100, 1)),
          visits_(count_of(arguments, "operations")), replace_every_(count_of(arguments, "replace_every")),
          replacements_(replacements_of(arguments)) {}

    Result<void> prepare() override {
        prepare_lanes(1, {Operation::malloc, Operation::free});
        slots_ = arena_.array<SlotBlock>(blocks_);
        stream_ = arena_.array<synthetic::Replacement>(visits_);
        Rng random(seed_);
        for (synthetic::Replacement& visit : stream_)
            visit = {draw_slot(random), draw_size(random)};
        return {};
    }
    // The hot blocks are every so many, as they are in a program: made among the others.
    void warmup() override {
        unmeasured([&](Heap& heap, std::uint64_t&) {
            Rng random(seed_, 1);
            for (std::size_t i = 0; i < blocks_; ++i)
                synthetic::fill_slot(heap, slots_[scattered(i)], draw_size(random), cookie_ += golden_gamma,
                                     Touch::all);
        });
    }
    void work() override {
        in_lane(0, [&](Heap& heap, std::uint64_t& sum) {
            std::uint64_t until_replaced = replace_every_;
            for (const synthetic::Replacement& visit : stream_) {
                SlotBlock& slot = slots_[visit.slot];
                if (--until_replaced > 0) {
                    sum += check(slot.memory, slot.size, slot.cookie, Touch::all);
                    continue;
                }
                until_replaced = replace_every_;
                sum += synthetic::empty_slot(heap, slot, Touch::all);
                synthetic::fill_slot(heap, slot, visit.size, cookie_ += golden_gamma, Touch::all);
            }
        });
    }
    void drain() override {
        unmeasured([&](Heap& heap, std::uint64_t& sum) {
            for (SlotBlock& slot : slots_)
                sum += synthetic::empty_slot(heap, slot, Touch::all);
        });
    }
    std::uint64_t operations() const override { return 2 * replacements_; }

  private:
    // The first `hot_` slots are the hot ones.
    std::uint32_t draw_slot(Rng& random) const {
        return static_cast<std::uint32_t>(random.below(random.chance(hot_visits_percent) ? hot_ : blocks_));
    }
    std::uint32_t draw_size(Rng& random) const {
        return static_cast<std::uint32_t>(random.between(min_size_, max_size_));
    }
    // A walk over all slots in steps near the golden section of them, so that each stretch of the heap has its share of
    // hot ones. The step and the number of slots have no common divisor.
    std::size_t scattered(std::size_t i) const { return i * step_ % blocks_; }
    static std::size_t step_for(std::size_t blocks) {
        auto step = static_cast<std::size_t>(static_cast<double>(blocks) * 0.618);
        while (std::gcd(step, blocks) != 1)
            ++step;
        return step;
    }

    std::size_t blocks_;
    std::uint64_t min_size_;
    std::uint64_t max_size_;
    std::uint64_t hot_;
    std::uint64_t visits_;
    std::uint64_t replace_every_;
    std::uint64_t replacements_;
    std::size_t step_ = step_for(blocks_);
    std::span<SlotBlock> slots_;
    std::span<synthetic::Replacement> stream_;
    std::uint64_t cookie_ = mix64(seed_);
};

Cost cost(const Arguments& arguments) {
    const std::uint64_t mean = (count_of(arguments, "min_size") + count_of(arguments, "max_size")) / 2 + 1;
    return {.live_bytes = blocks_of(arguments) * mean,
            .allocated_bytes = (blocks_of(arguments) + replacements_of(arguments)) * mean,
            .operations = 2 * replacements_of(arguments)};
}

} // namespace

constinit const WorkloadSpec over_limit_spec = {
    .name = "over-limit",
    .summary = "a heap larger than its memory limit, with a hot part: what an allocator's layout makes the "
               "kernel swap",
    .citation = "this project; Wilson et al. 1995 on locality, with the kernel's own swap",
    .parameters = parameters,
    .threaded = false,
    .micro = false,
    .cost = cost,
    .make = synthetic::make_pattern<OverLimit>,
    .check = synthetic::check_sizes,
};

} // namespace faultline::kernel
