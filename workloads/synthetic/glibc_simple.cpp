// glibc-simple: small blocks of one size in batches of 25 to 1600, the first half of each freed first-in
// first-out, the other half last-in first-out: inside and outside what a thread cache holds. Each size is run by the main
// thread, then by another one, then by the main thread again, which an allocator now knows to be one of several.
#include "workloads/engine/parameter.hpp"
#include "workloads/engine/team.hpp"
#include "workloads/engine/touch.hpp"
#include "workloads/synthetic/pattern.hpp"
#include "workloads/synthetic/specs.hpp"

#include <algorithm>

namespace faultline::synthetic {

namespace {

using namespace engine;

constexpr std::size_t sizes[] = {16, 32, 64};
constexpr std::size_t batches[] = {25, 100, 400, 1600};
constexpr std::size_t largest_batch = 1600;
constexpr std::uint64_t turns = 3; // main, another thread, main again

constexpr Parameter parameters[] = {
    integer_parameter(
        "operations", "1000000", 4800, std::int64_t{1} << 32, "blocks",
        "made and freed with each of 3 sizes in each of 4 batches, a third of them by each thread"),
    choice_parameter("touch", "each", touch_choices,
                     "what is written; mimalloc-bench's version writes byte by byte"),
};

std::uint64_t blocks_in_all(const Arguments& arguments) {
    std::uint64_t blocks = 0;
    for (const std::size_t batch : batches)
        blocks += count_of(arguments, "operations") / turns / batch * batch;
    return blocks * std::size(sizes) * turns;
}

class GlibcSimple final : public Pattern {
  public:
    explicit GlibcSimple(const Arguments& arguments)
        : Pattern(arguments), blocks_a_turn_(count_of(arguments, "operations") / turns),
          all_(blocks_in_all(arguments)), touch_(touch_from(arguments.text("touch"))) {}

    Result<void> prepare() override {
        prepare_lanes(1, {Operation::malloc, Operation::free});
        blocks_ = arena_.array<void*>(largest_batch);
        return {};
    }
    void warmup() override {
        for (const std::size_t size : sizes)
            run_turn(size, largest_batch);
    }
    void work() override {
        for (const std::size_t size : sizes) {
            run_turn(size, blocks_a_turn_);
            Turn other{this, size};
            join_thread(start_thread(turn_main, &other));
            run_turn(size, blocks_a_turn_);
        }
    }
    void drain() override {}
    std::uint64_t operations() const override { return 2 * all_; }

  private:
    struct Turn {
        GlibcSimple* owner;
        std::size_t size;
    };
    static void* turn_main(void* argument) {
        const Turn& turn = *static_cast<Turn*>(argument);
        turn.owner->run_turn(turn.size, turn.owner->blocks_a_turn_);
        return nullptr;
    }

    void run_turn(std::size_t size, std::uint64_t blocks) {
        in_lane(0, [&, how = touch_](Heap& heap, std::uint64_t& sum) {
            for (const std::size_t batch : batches)
                for (std::uint64_t round = 0; round < blocks / batch; ++round)
                    sum += one_batch(heap, size, batch, how, seed_ + round * golden_gamma);
        });
    }

    std::uint64_t one_batch(Heap& heap, std::size_t size, std::size_t batch, Touch how,
                            std::uint64_t cookie) {
        void** const blocks = blocks_.data();
        for (std::size_t i = 0; i < batch; ++i) {
            blocks[i] = heap.allocate(size);
            touch(blocks[i], size, cookie + i, how);
        }
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < batch / 2; ++i) {
            sum += check(blocks[i], size, cookie + i, how);
            heap.release(blocks[i], size);
        }
        for (std::size_t i = batch; i-- > batch / 2;) {
            sum += check(blocks[i], size, cookie + i, how);
            heap.release(blocks[i], size);
        }
        return sum;
    }

    std::uint64_t blocks_a_turn_;
    std::uint64_t all_;
    Touch touch_;
    std::span<void*> blocks_;
};

Cost cost(const Arguments& arguments) {
    const std::uint64_t blocks = blocks_in_all(arguments);
    return {.live_bytes = largest_batch * std::ranges::max(sizes),
            .allocated_bytes = (blocks + std::size(sizes) * std::size(batches) * largest_batch) * 112 / 3,
            .operations = 2 * blocks};
}

} // namespace

constinit const WorkloadSpec glibc_simple_spec = {
    .name = "glibc-simple",
    .summary = "16, 32 and 64 B in batches of 25 to 1600, half freed in order, half in reverse",
    .citation = "glibc benchtests/bench-malloc-simple.c",
    .parameters = parameters,
    .threaded = false,
    .micro = false,
    .cost = cost,
    .make = make_pattern<GlibcSimple>,
};

} // namespace faultline::synthetic
