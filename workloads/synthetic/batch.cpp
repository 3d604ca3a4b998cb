// batch: makes k blocks of one size, then frees them in a chosen order, again and again: what an allocator's
// free lists are for.
#include "workloads/synthetic/micro.hpp"
#include "workloads/synthetic/pattern.hpp"
#include "workloads/synthetic/specs.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace faultline::synthetic {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    size_parameter,
    make_parameter,
    alignment_parameter,
    touch_parameter,
    blocks_parameter,
    integer_parameter("batch", "0", 0, 1 << 20, "blocks",
                      "live before any is freed; 0: a thousand, or what fits in 64 MiB, at least two"),
    choice_parameter("order", "fifo", "fifo|lifo|random", "in which a batch is freed"),
};

std::uint64_t batch_of(const Arguments& arguments) {
    const std::uint64_t asked = count_of(arguments, "batch");
    return asked != 0 ? asked : std::clamp<std::uint64_t>((64 << 20) / count_of(arguments, "size"), 2, 1000);
}

std::uint64_t rounds_of(const BlockPlan& plan, std::uint64_t batch) {
    return std::max<std::uint64_t>(plan.blocks / batch, 1);
}

class Batch final : public Pattern {
  public:
    explicit Batch(const Arguments& arguments)
        : Pattern(arguments), batch_(batch_of(arguments)), plan_(arguments, batch_),
          rounds_(rounds_of(plan_, batch_)), order_(arguments.text("order")) {}

    Result<void> prepare() override {
        prepare_lanes(1, {Operation::malloc, Operation::calloc, Operation::realloc, Operation::posix_memalign,
                          Operation::free});
        blocks_ = arena_.array<void*>(batch_);
        free_order_ = arena_.array<std::uint32_t>(batch_);
        std::iota(free_order_.begin(), free_order_.end(), 0U);
        if (order_ == "lifo")
            std::ranges::reverse(free_order_);
        if (order_ == "random") {
            Rng random(seed_);
            for (std::size_t i = batch_ - 1; i > 0; --i)
                std::swap(free_order_[i], free_order_[random.below(i + 1)]);
        }
        cookie_ = mix64(seed_ ^ plan_.size);
        return {};
    }
    void warmup() override { run(1); }
    void work() override { run(rounds_); }
    void drain() override {}
    std::uint64_t operations() const override { return rounds_ * batch_ * plan_.calls_per_block(); }

  private:
    void run(std::uint64_t rounds) {
        switch (plan_.make) {
        case Make::malloc:
            return run_with<Make::malloc>(rounds);
        case Make::calloc:
            return run_with<Make::calloc>(rounds);
        case Make::realloc:
            return run_with<Make::realloc>(rounds);
        case Make::aligned:
            return run_with<Make::aligned>(rounds);
        }
    }

    template <Make make>
    void run_with(std::uint64_t rounds) {
        in_lane(0, [&, plan = plan_](Heap& heap, std::uint64_t& sum) {
            for (std::uint64_t round = 0; round < rounds; ++round) {
                for (std::size_t i = 0; i < blocks_.size(); ++i)
                    blocks_[i] = make_block<make>(heap, plan, cookie_ + i * golden_gamma);
                for (const std::uint32_t i : free_order_) {
                    sum += check(blocks_[i], plan.size, cookie_ + i * golden_gamma, plan.touch);
                    heap.release(blocks_[i], plan.size);
                }
                cookie_ = mix64(cookie_);
            }
        });
    }

    std::uint64_t batch_;
    BlockPlan plan_;
    std::uint64_t rounds_;
    std::string order_;
    std::span<void*> blocks_;
    std::span<std::uint32_t> free_order_;
    std::uint64_t cookie_ = 0;
};

Cost cost(const Arguments& arguments) {
    const std::uint64_t batch = batch_of(arguments);
    const BlockPlan plan(arguments, batch);
    const std::uint64_t rounds = rounds_of(plan, batch);
    return {.live_bytes = batch * plan.size + plan.allocated_bytes_per_block(),
            .allocated_bytes = (rounds + 1) * batch * plan.allocated_bytes_per_block(),
            .operations = rounds * batch * plan.calls_per_block()};
}

} // namespace

constinit const WorkloadSpec batch_spec = {
    .name = "batch",
    .summary = "k blocks of one size made, then freed first-in first-out, last-in first-out or shuffled",
    .citation =
        "the micro benchmark of every allocator's own suite; orders as in glibc benchtests and snmalloc",
    .parameters = parameters,
    .threaded = false,
    .micro = true,
    .cost = cost,
    .make = make_pattern<Batch>,
    .check = check_alignment,
};

} // namespace faultline::synthetic
