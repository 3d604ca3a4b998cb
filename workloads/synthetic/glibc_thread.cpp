// glibc-threadN: each thread replaces random blocks of a working set of its own; small blocks are far more
// likely than large ones, and every byte is written.
#include "workloads/engine/parameter.hpp"
#include "workloads/engine/team.hpp"
#include "workloads/synthetic/pattern.hpp"
#include "workloads/synthetic/slots.hpp"
#include "workloads/synthetic/specs.hpp"

#include <cmath>

namespace faultline::synthetic {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    integer_parameter("slots", "1024", 1, 1 << 20, "blocks", "live at a time in each thread"),
    integer_parameter("min_size", "4", 1, 1 << 26, "bytes", "smallest block"),
    integer_parameter("max_size", "32768", 1, 1 << 26, "bytes",
                      "largest block; density falls with the square"),
    integer_parameter("operations", "3000000", 1, std::int64_t{1} << 28, "replacements", "in each thread"),
    choice_parameter("touch", "all", touch_choices, "what is written"),
};

// Density proportional to 1/size²: the inverse of its distribution function.
std::uint32_t inverse_square(Rng& random, double min_size, double max_size) {
    const double reciprocal = 1 / min_size - random.unit() * (1 / min_size - 1 / max_size);
    return static_cast<std::uint32_t>(1 / reciprocal);
}

class GlibcThread final : public Pattern {
  public:
    explicit GlibcThread(const Arguments& arguments)
        : Pattern(arguments), slots_(count_of(arguments, "slots")),
          min_size_(static_cast<double>(arguments.integer("min_size"))),
          max_size_(static_cast<double>(arguments.integer("max_size"))),
          steps_(count_of(arguments, "operations")), touch_(touch_from(arguments.text("touch"))) {}

    Result<void> prepare() override {
        prepare_lanes(threads_, {Operation::malloc, Operation::free});
        team_.prepare(arena_, threads_);
        workers_ = arena_.array<Worker>(threads_);
        for (unsigned index = 0; index < threads_; ++index) {
            const std::span<Replacement> stream = arena_.array<Replacement>(steps_ + slots_);
            Rng random(seed_, index);
            std::uint32_t next = 0;
            for (Replacement& step : stream) { // the first ones fill every slot
                const auto slot = next < slots_ ? next++ : static_cast<std::uint32_t>(random.below(slots_));
                step = {slot, inverse_square(random, min_size_, max_size_)};
            }
            workers_[index] = {arena_.array<SlotBlock>(slots_), stream, mix64(seed_ + index)};
        }
        return {};
    }
    void warmup() override {
        team_.start();
        team_.run([&](unsigned index) { replace(index, workers_[index].stream.first(slots_)); });
    }
    void work() override {
        team_.run([&](unsigned index) { replace(index, workers_[index].stream.subspan(slots_)); });
    }
    void drain() override {
        team_.run([&](unsigned index) {
            in_lane(index, [&](Heap& heap, std::uint64_t& sum) {
                for (SlotBlock& slot : workers_[index].slots)
                    sum += empty_slot(heap, slot, touch_);
            });
        });
        team_.join();
    }
    std::uint64_t operations() const override { return 2 * std::uint64_t{threads_} * steps_; }

  private:
    struct Worker {
        std::span<SlotBlock> slots;
        std::span<const Replacement> stream;
        std::uint64_t cookie = 0; // of the block made last: runs on from warmup() into measure()
    };

    void replace(unsigned index, std::span<const Replacement> stream) {
        in_lane(index, [&, how = touch_](Heap& heap, std::uint64_t& sum) {
            SlotBlock* const slots = workers_[index].slots.data();
            std::uint64_t cookie = workers_[index].cookie;
            for (const Replacement step : stream) {
                sum += empty_slot(heap, slots[step.slot], how);
                fill_slot(heap, slots[step.slot], step.size, cookie += golden_gamma, how);
            }
            workers_[index].cookie = cookie;
        });
    }

    std::uint64_t slots_;
    double min_size_;
    double max_size_;
    std::uint64_t steps_;
    Touch touch_;
    Team team_;
    std::span<Worker> workers_;
};

Cost cost(const Arguments& arguments) {
    const std::uint64_t slots = arguments.threads * count_of(arguments, "slots");
    const std::uint64_t steps = arguments.threads * count_of(arguments, "operations");
    const double min_size = static_cast<double>(arguments.integer("min_size"));
    const double max_size = static_cast<double>(arguments.integer("max_size"));
    // The mean of the distribution above, rounded up: its integral over x·x⁻² is a logarithm.
    const double mean =
        max_size > min_size ? std::log(max_size / min_size) / (1 / min_size - 1 / max_size) : min_size;
    const auto mean_size = static_cast<std::uint64_t>(mean) + 1;
    return {.live_bytes = slots * mean_size * 2, // a sample of it may lie well above the mean
            .allocated_bytes = (slots + steps) * mean_size,
            .operations = 2 * steps};
}

} // namespace

constinit const WorkloadSpec glibc_thread_spec = {
    .name = "glibc-threadN",
    .summary = "a working set of 1024 blocks a thread, 4 B to 32 KiB by inverse square, replaced at random",
    .citation = "glibc benchtests/bench-malloc-thread.c",
    .parameters = parameters,
    .threaded = true,
    .micro = false,
    .cost = cost,
    .make = make_pattern<GlibcThread>,
    .check = check_sizes,
};

} // namespace faultline::synthetic
