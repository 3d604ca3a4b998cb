// pair: makes one block and frees it, again and again: the shortest path through an allocator.
#include "workloads/synthetic/micro.hpp"
#include "workloads/synthetic/pattern.hpp"
#include "workloads/synthetic/specs.hpp"

namespace faultline::synthetic {

namespace {

using namespace engine;

class Pair final : public Pattern {
  public:
    explicit Pair(const Arguments& arguments) : Pattern(arguments), plan_(arguments, 1) {}

    Result<void> prepare() override {
        prepare_lanes(1, {Operation::malloc, Operation::calloc, Operation::realloc, Operation::posix_memalign,
                          Operation::free});
        cookie_ = mix64(seed_ ^ plan_.size);
        return {};
    }
    void warmup() override { run(plan_.warm_blocks()); }
    void work() override { run(plan_.blocks); }
    void drain() override {}
    std::uint64_t operations() const override { return plan_.blocks * plan_.calls_per_block(); }

  private:
    void run(std::uint64_t blocks) {
        switch (plan_.make) {
        case Make::malloc:
            return run_with<Make::malloc>(blocks);
        case Make::calloc:
            return run_with<Make::calloc>(blocks);
        case Make::realloc:
            return run_with<Make::realloc>(blocks);
        case Make::aligned:
            return run_with<Make::aligned>(blocks);
        }
    }

    template <Make make>
    void run_with(std::uint64_t blocks) {
        in_lane(0, [&, plan = plan_](Heap& heap, std::uint64_t& sum) {
            std::uint64_t cookie = cookie_;
            for (std::uint64_t i = 0; i < blocks; ++i) {
                cookie += golden_gamma;
                void* block = make_block<make>(heap, plan, cookie);
                sum += check(block, plan.size, cookie, plan.touch);
                heap.release(block, plan.size);
            }
            cookie_ = cookie;
        });
    }

    BlockPlan plan_;
    std::uint64_t cookie_ = 0;
};

constexpr Parameter parameters[] = {size_parameter, make_parameter, alignment_parameter, touch_parameter,
                                    blocks_parameter};

Cost cost(const Arguments& arguments) {
    const BlockPlan plan(arguments, 1);
    return {.live_bytes = plan.allocated_bytes_per_block(), // realloc may hold the old block and the new one
            .allocated_bytes = (plan.blocks + plan.warm_blocks()) * plan.allocated_bytes_per_block(),
            .operations = plan.blocks * plan.calls_per_block()};
}

} // namespace

constinit const WorkloadSpec pair_spec = {
    .name = "pair",
    .summary = "malloc and free of one size, one block live at a time",
    .citation =
        "the micro benchmark of every allocator's own suite, e.g. glibc benchtests/bench-malloc-simple.c",
    .parameters = parameters,
    .threaded = false,
    .micro = true,
    .cost = cost,
    .make = make_pattern<Pair>,
    .check = check_alignment,
};

} // namespace faultline::synthetic
