// thread-churnN: generations of N short threads. Each frees what its predecessor left, makes blocks of its own, frees most of
// them and leaves the rest: what an allocator's caches for a thread cost to set up, to give back, and to lose.
#include "workloads/engine/parameter.hpp"
#include "workloads/engine/team.hpp"
#include "workloads/synthetic/pattern.hpp"
#include "workloads/synthetic/slots.hpp"
#include "workloads/synthetic/specs.hpp"

namespace faultline::synthetic {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    integer_parameter("blocks", "200", 1, 1 << 20, "blocks", "made by each thread"),
    integer_parameter("left", "10", 0, 100, "percent", "of them, which a thread leaves to its successor"),
    integer_parameter("min_size", "16", 1, 1 << 24, "bytes", "smallest block"),
    integer_parameter("max_size", "512", 1, 1 << 24, "bytes",
                      "largest block; sizes are uniform between the two"),
    integer_parameter("operations", "3000", 1, 1 << 24, "generations", "of N threads each"),
};

class ThreadChurn final : public Pattern {
  public:
    explicit ThreadChurn(const Arguments& arguments)
        : Pattern(arguments), blocks_(count_of(arguments, "blocks")),
          left_(blocks_ * count_of(arguments, "left") / 100), min_size_(count_of(arguments, "min_size")),
          max_size_(count_of(arguments, "max_size")), generations_(count_of(arguments, "operations")) {}

    Result<void> prepare() override {
        prepare_lanes(threads_, {Operation::malloc, Operation::free});
        members_ = arena_.array<Member>(threads_);
        for (unsigned index = 0; index < threads_; ++index) {
            const std::span<std::uint32_t> sizes = arena_.array<std::uint32_t>(blocks_);
            Rng random(seed_, index);
            for (std::uint32_t& size : sizes)
                size = static_cast<std::uint32_t>(random.between(min_size_, max_size_));
            members_[index] = {this, index, sizes, arena_.array<SlotBlock>(blocks_), mix64(seed_ + index),
                               {}};
        }
        return {};
    }
    void warmup() override {
        run_generation();
    } // so that the first measured one finds what a predecessor left
    void work() override {
        for (std::uint64_t generation = 0; generation < generations_; ++generation)
            run_generation();
    }
    void drain() override {
        unmeasured([&](Heap& heap, std::uint64_t& sum) {
            for (Member& member : members_)
                for (SlotBlock& slot : member.slots)
                    sum += empty_slot(heap, slot, Touch::page);
        });
    }
    std::uint64_t operations() const override { return 2 * threads_ * generations_ * blocks_; }

  private:
    struct Member {
        ThreadChurn* owner = nullptr;
        unsigned index = 0;
        std::span<const std::uint32_t> sizes;
        std::span<SlotBlock> slots; // the first `left` of them outlive a thread
        std::uint64_t cookie = 0;
        pthread_t thread{};
    };

    void run_generation() {
        for (Member& member : members_)
            member.thread = start_thread(member_main, &member);
        for (const Member& member : members_)
            join_thread(member.thread);
    }
    static void* member_main(void* argument) {
        Member& member = *static_cast<Member*>(argument);
        member.owner->in_lane(member.index, [&](Heap& heap, std::uint64_t& sum) {
            for (std::size_t i = 0; i < member.slots.size(); ++i) {
                sum += empty_slot(heap, member.slots[i], Touch::page);
                fill_slot(heap, member.slots[i], member.sizes[i], member.cookie += golden_gamma, Touch::page);
            }
            for (SlotBlock& slot : member.slots.subspan(member.owner->left_))
                sum += empty_slot(heap, slot, Touch::page);
        });
        return nullptr;
    }

    std::size_t blocks_;
    std::size_t left_;
    std::uint64_t min_size_;
    std::uint64_t max_size_;
    std::uint64_t generations_;
    std::span<Member> members_;
};

Cost cost(const Arguments& arguments) {
    const std::uint64_t blocks = arguments.threads * count_of(arguments, "blocks");
    const std::uint64_t max_size = count_of(arguments, "max_size");
    const std::uint64_t generations = count_of(arguments, "operations");
    return {.live_bytes = blocks * max_size,
            .allocated_bytes =
                (generations + 1) * blocks * ((count_of(arguments, "min_size") + max_size) / 2 + 1),
            .operations = 2 * generations * blocks};
}

} // namespace

constinit const WorkloadSpec thread_churn_spec = {
    .name = "thread-churnN",
    .summary = "generations of N short threads, each of which frees what the one before left",
    .citation = "this project; after mleak and larson, and the thread cache tests of tcmalloc and jemalloc",
    .parameters = parameters,
    .threaded = true,
    .micro = false,
    .cost = cost,
    .make = make_pattern<ThreadChurn>,
    .check = check_sizes,
};

} // namespace faultline::synthetic
