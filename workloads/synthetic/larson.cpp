// larsonN, larson-sizedN: a server whose connections come and go. Every thread replaces random blocks of its
// own array; after a generation it starts a successor that inherits the array, and ends, so that blocks are
// freed by threads that did not make them. Larson and Krishnan, "Memory Allocation for Long-Running Server
// Applications", ISMM 1998.
#include "workloads/engine/parameter.hpp"
#include "workloads/engine/team.hpp"
#include "workloads/engine/touch.hpp"
#include "workloads/synthetic/pattern.hpp"
#include "workloads/synthetic/specs.hpp"

#include <array>
#include <utility>

namespace faultline::synthetic {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    integer_parameter("slots", "5000", 1, 65'536, "blocks", "live at a time in each thread"),
    integer_parameter("min_size", "8", 2, 65'535, "bytes", "smallest block"),
    integer_parameter("max_size", "999", 2, 65'535, "bytes",
                      "largest block; sizes are uniform between the two"),
    integer_parameter("operations", "3000000", 1, std::int64_t{1} << 28, "replacements", "in each thread"),
    integer_parameter("generation", "500000", 1, std::int64_t{1} << 28, "replacements",
                      "before a thread hands its array to a successor"),
    choice_parameter(
        "draw", "before", "before|between",
        "when slots and sizes are drawn: before the clock starts, or between the calls as the original "
        "does, which takes longer than a call"),
};

// One operation of the stream.
struct Step {
    std::uint16_t slot;
    std::uint16_t size;
};

// The original's source of numbers, Numerical Recipes' shuffled congruential one: drawing between calls costs as much as
// there, and as there nothing of the next operation is known before.
class ShuffledCongruential {
  public:
    explicit ShuffledCongruential(std::uint64_t seed = 0) : last_(seed % modulus) {
        for (std::int64_t& number : table_)
            number = advance();
        shown_ = advance();
    }
    std::uint64_t below(std::uint64_t bound) {
        std::int64_t& place = table_[static_cast<std::size_t>(shown_ % 97)];
        shown_ = place;
        place = advance();
        return static_cast<std::uint64_t>(shown_) % bound;
    }

  private:
    static constexpr std::int64_t modulus = 714'025;
    std::int64_t advance() { return last_ = (1366 * last_ + 150'889) % modulus; }

    std::int64_t last_;
    std::int64_t shown_ = 0;
    std::array<std::int64_t, 97> table_{};
};

template <bool sized>
class Larson final : public Pattern {
  public:
    explicit Larson(const Arguments& arguments)
        : Pattern(arguments), slots_(count_of(arguments, "slots")),
          min_size_(count_of(arguments, "min_size")), max_size_(count_of(arguments, "max_size")),
          steps_(count_of(arguments, "operations")), generation_(count_of(arguments, "generation")),
          draws_between_(arguments.text("draw") == "between") {}

    Result<void> prepare() override {
        if constexpr (sized)
            prepare_lanes(threads_, {Operation::operator_new, Operation::operator_delete});
        else
            prepare_lanes(threads_, {Operation::malloc, Operation::free});
        chains_ = arena_.array<Chain>(threads_);
        for (unsigned index = 0; index < threads_; ++index) {
            const std::span<Step> stream = arena_.array<Step>(draws_between_ ? 0 : steps_);
            Rng random(seed_, index + 1);
            for (Step& step : stream)
                step = {static_cast<std::uint16_t>(random.below(slots_)),
                        static_cast<std::uint16_t>(random.between(min_size_, max_size_))};
            const std::size_t generations = (steps_ + generation_ - 1) / generation_;
            chains_[index] = {.owner = this,
                              .lane = index,
                              .blocks = arena_.array<Block>(slots_),
                              .stream = stream,
                              .numbers = ShuffledCongruential(mix64(seed_ + index)),
                              .links = arena_.array<Link>(generations)};
            for (std::size_t number = 0; number < generations; ++number)
                chains_[index].links[number] = {&chains_[index], number, {}};
        }
        return {};
    }

    // As the original: the main thread makes all blocks, shuffles them over the threads, and replaces each
    // four times on average.
    void warmup() override {
        unmeasured([&](Heap& heap, std::uint64_t& sum) {
            Rng random(seed_, 0);
            const std::size_t all = slots_ * threads_;
            for (std::size_t i = 0; i < all; ++i)
                fill(heap, at(i), random.between(min_size_, max_size_));
            for (std::size_t i = all - 1; i > 0; --i)
                std::swap(at(i), at(random.below(i + 1)));
            for (std::size_t i = 0; i < 4 * all; ++i) {
                Block& block = at(random.below(all));
                sum += empty(heap, block);
                fill(heap, block, random.between(min_size_, max_size_));
            }
        });
        for (Chain& chain : chains_)
            chain.links[0].thread = start_thread(link_main, &chain.links[0]);
    }

    void work() override {
        start_.open();
        for (Chain& chain : chains_)
            for (Link& link : chain.links)
                join_thread(link.thread); // written by the link before, which has been joined
    }

    void drain() override {
        unmeasured([&](Heap& heap, std::uint64_t& sum) {
            for (std::size_t i = 0; i < slots_ * threads_; ++i)
                sum += empty(heap, at(i)) * (i + 1);
        });
    }

    std::uint64_t operations() const override { return 2 * std::uint64_t{threads_} * steps_; }

  private:
    struct Block {
        unsigned char* bytes = nullptr;
        std::size_t size = 0;
    };
    struct Chain;
    struct Link { // one generation
        Chain* chain = nullptr;
        std::size_t number = 0;
        pthread_t thread{};
    };
    struct Chain { // a thread and its successors, one alive at a time
        Larson* owner = nullptr;
        unsigned lane = 0;
        std::span<Block> blocks;
        std::span<const Step> stream; // empty when drawn between the calls
        ShuffledCongruential numbers;
        std::span<Link> links;
    };

    Block& at(std::size_t index) { return chains_[index / slots_].blocks[index % slots_]; }

    // The two bytes that each block carries: its size, so that a block which was handed out twice is found.
    static void fill(Heap& heap, Block& block, std::size_t size) {
        block.bytes = static_cast<unsigned char*>(sized ? heap.new_block(size) : heap.allocate(size));
        block.size = size;
        block.bytes[0] = static_cast<unsigned char>(size);
        block.bytes[1] = static_cast<unsigned char>(size >> 8);
        escape(block.bytes);
    }
    static std::uint64_t empty(Heap& heap, Block& block) {
        const std::size_t found = block.bytes[0] | std::size_t{block.bytes[1]} << 8;
        if (found != block.size) [[unlikely]]
            die_corrupt(block.bytes, block.size);
        if constexpr (sized)
            heap.delete_block(block.bytes, block.size);
        else
            heap.release(block.bytes, block.size);
        return found;
    }

    static void* link_main(void* argument) {
        Link& link = *static_cast<Link*>(argument);
        Chain& chain = *link.chain;
        if (link.number == 0)
            chain.owner->start_.wait();
        const Larson& owner = *chain.owner;
        const std::size_t first = link.number * owner.generation_;
        const std::size_t count = std::min(owner.generation_, owner.steps_ - first);
        chain.owner->in_lane(chain.lane, [&](Heap& heap, std::uint64_t& sum) {
            if (owner.draws_between_) {
                const std::uint64_t range = owner.max_size_ - owner.min_size_ + 1;
                for (std::size_t i = 0; i < count; ++i) {
                    const std::uint64_t slot = chain.numbers.below(owner.slots_);
                    Block& block = chain.blocks[slot];
                    sum += empty(heap, block) * (slot + 1);
                    fill(heap, block, owner.min_size_ + chain.numbers.below(range));
                }
                return;
            }
            for (const Step step : chain.stream.subspan(first, count)) {
                Block& block = chain.blocks[step.slot];
                sum += empty(heap, block) * (step.slot + std::uint64_t{1});
                fill(heap, block, step.size);
            }
        });
        if (link.number + 1 < chain.links.size()) {
            Link& next = chain.links[link.number + 1];
            next.thread = start_thread(link_main, &next);
        }
        return nullptr;
    }

    std::size_t slots_;
    std::uint64_t min_size_;
    std::uint64_t max_size_;
    std::size_t steps_;
    std::size_t generation_;
    bool draws_between_;
    std::span<Chain> chains_;
    StartFlag start_;
};

Cost cost(const Arguments& arguments) {
    const auto slots = static_cast<std::uint64_t>(arguments.integer("slots"));
    const auto max_size = static_cast<std::uint64_t>(arguments.integer("max_size"));
    const auto steps = static_cast<std::uint64_t>(arguments.integer("operations"));
    const auto mean_size = (static_cast<std::uint64_t>(arguments.integer("min_size")) + max_size) / 2 + 1;
    return {.live_bytes = arguments.threads * slots * max_size,
            .allocated_bytes = arguments.threads * (5 * slots + steps) * mean_size,
            .operations = 2 * arguments.threads * steps};
}

constexpr std::string_view source =
    "Larson and Krishnan, Memory Allocation for Long-Running Server Applications, "
    "ISMM 1998; with Hoard and mimalloc-bench";

} // namespace

constinit const WorkloadSpec larson_spec = {
    .name = "larsonN",
    .summary = "a server: random blocks replaced, arrays inherited by new threads, so frees are foreign",
    .citation = source,
    .parameters = parameters,
    .threaded = true,
    .micro = false,
    .cost = cost,
    .make = make_pattern<Larson<false>>,
    .check = check_sizes,
};

constinit const WorkloadSpec larson_sized_spec = {
    .name = "larson-sizedN",
    .summary = "as larsonN through operator new and sized operator delete",
    .citation = source,
    .parameters = parameters,
    .threaded = true,
    .micro = false,
    .cost = cost,
    .make = make_pattern<Larson<true>>,
    .check = check_sizes,
};

} // namespace faultline::synthetic
