// heap-shape: a server's months. Epoch after epoch, each with sizes of its own, fills the heap to the same number of bytes; at
// its end all but a few scattered blocks go, and those hold on for some epochs more. What one epoch frees is of no use to
// the next where an allocator cannot turn pages of one size into another's: it is then resident beyond what is live.
#include "workloads/engine/parameter.hpp"
#include "workloads/synthetic/specs.hpp"
#include "workloads/synthetic/tides.hpp"

#include <algorithm>
#include <bit>

namespace faultline::synthetic {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    integer_parameter("live", "32M", 1 << 16, std::int64_t{1} << 40, "bytes",
                      "when an epoch has filled the heap"),
    integer_parameter("epochs", "16", 1, 10'000, "epochs", "each with sizes of one doubling"),
    integer_parameter("survivors", "5", 0, 50, "percent", "of an epoch's blocks, which outlive it"),
    integer_parameter("survive", "6", 1, 1000, "epochs", "for which they do"),
    integer_parameter("min_size", "32", 16, 1 << 24, "bytes", "smallest block of all epochs"),
    integer_parameter("max_size", "32768", 32, 1 << 26, "bytes", "largest block of all epochs"),
};

// The epochs in numbers, which do not depend on what is drawn but for the order of sizes.
class Shape {
  public:
    explicit Shape(const Arguments& arguments)
        : seed_(arguments.seed), epochs_(count_of(arguments, "epochs")),
          percent_(count_of(arguments, "survivors")), min_size_(count_of(arguments, "min_size")),
          doublings_(
              std::max<std::uint64_t>(std::bit_width(count_of(arguments, "max_size") / min_size_) - 1, 1)) {
        // Survivors of so many epochs stand beside the newest one's blocks.
        const std::uint64_t percents = 100 + percent_ * std::min(count_of(arguments, "survive"), epochs_ - 1);
        bytes_ = count_of(arguments, "live") * 100 / percents;
    }
    std::uint64_t epochs() const { return epochs_; }
    std::uint64_t doublings() const { return doublings_; }

    // Every doubling once, in a random order, then all of them again in another one.
    std::uint64_t doubling_of(std::uint64_t epoch) const {
        Rng random(seed_, epoch / doublings_);
        std::uint64_t unused = doublings_;
        std::uint64_t taken[64];
        std::iota(taken, taken + doublings_, 0);
        std::uint64_t drawn = 0;
        for (std::uint64_t i = 0; i <= epoch % doublings_; ++i) {
            std::swap(taken[random.below(unused)], taken[unused - 1]);
            drawn = taken[--unused];
        }
        return drawn;
    }
    std::uint64_t smallest(std::uint64_t doubling) const { return min_size_ << doubling; }
    std::uint64_t blocks(std::uint64_t doubling) const {
        return std::max<std::uint64_t>(bytes_ * 2 / (3 * smallest(doubling)), 16);
    }
    std::uint64_t survivors(std::uint64_t doubling) const { return blocks(doubling) * percent_ / 100; }
    std::uint64_t replaced(std::uint64_t doubling) const { return blocks(doubling) / 2; }

  private:
    std::uint64_t seed_;
    std::uint64_t epochs_;
    std::uint64_t percent_;
    std::uint64_t min_size_;
    std::uint64_t doublings_;
    std::uint64_t bytes_ = 0;
};

constexpr std::size_t drawn_fractions = 1 << 16; // used round and round

class HeapShape final : public Tides {
  public:
    explicit HeapShape(const Arguments& arguments)
        : Tides(arguments), shape_(arguments), survive_(count_of(arguments, "survive")) {}

    Result<void> prepare() override {
        prepare_lanes(1, {Operation::malloc, Operation::free});
        prepare_footprint(shape_.epochs());
        Rng random(seed_, UINT32_MAX);
        orders_ = arena_.array<std::span<std::uint32_t>>(shape_.doublings());
        for (std::uint64_t doubling = 0; doubling < shape_.doublings(); ++doubling)
            orders_[doubling] = shuffled_indices(shape_.blocks(doubling), random);
        fractions_ = arena_.array<std::uint32_t>(drawn_fractions);
        for (std::uint32_t& fraction : fractions_)
            fraction = static_cast<std::uint32_t>(random.next());
        slots_ = arena_.array<SlotBlock>(shape_.blocks(0));
        old_ = arena_.array<std::span<SlotBlock>>(shape_.epochs());
        for (std::uint64_t epoch = 0; epoch < shape_.epochs(); ++epoch)
            old_[epoch] = arena_.array<SlotBlock>(shape_.survivors(shape_.doubling_of(epoch)));
        return {};
    }
    void work() override {
        in_lane(0, [&](Heap& heap, std::uint64_t& sum) {
            for (std::uint64_t epoch = 0; epoch < shape_.epochs(); ++epoch) {
                run_epoch(heap, sum, epoch);
                if (epoch >= survive_)
                    free_survivors(heap, sum, epoch - survive_);
            }
            for (std::uint64_t epoch = 0; epoch < shape_.epochs(); ++epoch)
                free_survivors(heap, sum, epoch); // of the last epochs; none is left of the others
        });
    }
    void drain() override {}
    std::uint64_t operations() const override { return operations(shape_); }

    static std::uint64_t operations(const Shape& shape) {
        std::uint64_t made = 0;
        for (std::uint64_t epoch = 0; epoch < shape.epochs(); ++epoch) {
            const std::uint64_t doubling = shape.doubling_of(epoch);
            made += shape.blocks(doubling) + shape.replaced(doubling);
        }
        return 2 * made;
    }

  private:
    void run_epoch(Heap& heap, std::uint64_t& sum, std::uint64_t epoch) {
        const std::uint64_t doubling = shape_.doubling_of(epoch);
        const std::span<const std::uint32_t> order = orders_[doubling];
        const std::uint64_t smallest = shape_.smallest(doubling);
        std::size_t drawn = epoch;
        const auto next_size = [&] {
            return smallest +
                   ((fractions_[drawn++ % drawn_fractions] * smallest) >> 32); // below twice the smallest
        };
        in_parts(order.size(), [&](std::size_t i) { fill(heap, slots_[i], next_size()); });
        for (std::size_t i = 0; i < shape_.replaced(doubling); ++i) { // the survivors-to-be among them
            SlotBlock& slot = slots_[order[order.size() - 1 - i]];
            sum += empty(heap, slot);
            fill(heap, slot, next_size());
        }
        const std::span<SlotBlock> old = old_[epoch];
        in_parts(order.size() - old.size(), [&](std::size_t i) { sum += empty(heap, slots_[order[i]]); });
        for (std::size_t i = 0; i < old.size(); ++i)
            old[i] = std::exchange(slots_[order[order.size() - old.size() + i]], SlotBlock());
    }
    void free_survivors(Heap& heap, std::uint64_t& sum, std::uint64_t epoch) {
        for (SlotBlock& slot : old_[epoch])
            sum += empty(heap, slot);
        old_[epoch] = {};
        sample();
    }

    Shape shape_;
    std::uint64_t survive_;
    std::span<std::span<std::uint32_t>> orders_; // by doubling: in which blocks go; the last ones survive
    std::span<std::uint32_t> fractions_;
    std::span<SlotBlock> slots_;
    std::span<std::span<SlotBlock>> old_; // by epoch
};

Cost cost(const Arguments& arguments) {
    const Shape shape(arguments);
    std::uint64_t bytes = 0;
    for (std::uint64_t epoch = 0; epoch < shape.epochs(); ++epoch) {
        const std::uint64_t doubling = shape.doubling_of(epoch);
        bytes += (shape.blocks(doubling) + shape.replaced(doubling)) * shape.smallest(doubling) * 3 / 2;
    }
    return {.live_bytes = count_of(arguments, "live") * 11 / 10,
            .allocated_bytes = bytes,
            .operations = HeapShape::operations(shape)};
}

Result<void> check_doubling(const Arguments& arguments, std::string_view where) {
    if (arguments.integer("max_size") < 2 * arguments.integer("min_size"))
        return fail(Exit::usage, std::string(where),
                    "max_size is below twice min_size, so no epoch has a doubling", "make max_size larger");
    return {};
}

} // namespace

constinit const WorkloadSpec heap_shape_spec = {
    .name = "heap-shape",
    .summary = "a server's months: epochs of different sizes, each leaving scattered survivors; live against "
               "resident",
    .citation =
        "this project; after the fragmentation that users report (jemalloc #2850, mimalloc-bench #190) and "
        "Wilson et al., Dynamic Storage Allocation, IWMM 1995",
    .parameters = parameters,
    .threaded = false,
    .micro = false,
    .cost = cost,
    .make = make_pattern<HeapShape>,
    .check = check_doubling,
};

} // namespace faultline::synthetic
