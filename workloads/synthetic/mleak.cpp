// mleakN: threads so short that each makes one block, puts it in the place of an older one, and ends: what a thread's
// start and end cost an allocator, and whether its caches outlive it.
#include "workloads/engine/parameter.hpp"
#include "workloads/engine/team.hpp"
#include "workloads/engine/touch.hpp"
#include "workloads/synthetic/pattern.hpp"
#include "workloads/synthetic/specs.hpp"

#include <atomic>

namespace faultline::synthetic {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    integer_parameter("size", "128", 1, 1 << 26, "bytes", "of a block"),
    integer_parameter("slots", "1000", 1, 1 << 20, "blocks", "live at a time"),
    integer_parameter("operations", "1000", 1, 1 << 24, "rounds",
                      "each with N new threads; the originals: 500 and 5000"),
};

class Mleak final : public Pattern {
  public:
    explicit Mleak(const Arguments& arguments)
        : Pattern(arguments), size_(count_of(arguments, "size")), slot_count_(count_of(arguments, "slots")),
          rounds_(count_of(arguments, "operations")), key_(mix64(arguments.seed)) {}

    Result<void> prepare() override {
        prepare_lanes(threads_, {Operation::calloc, Operation::free});
        slots_ = arena_.array<std::atomic<void*>>(slot_count_);
        visits_ = arena_.array<Visit>(rounds_ * threads_);
        Rng random(seed_);
        for (std::size_t i = 0; i < visits_.size(); ++i)
            visits_[i] = {this, static_cast<unsigned>(i % threads_), random.below(slot_count_), {}};
        return {};
    }
    // Every slot is full from the start, so that each visit frees one block.
    void warmup() override {
        unmeasured([&](Heap& heap, std::uint64_t& /*sum*/) {
            for (std::size_t slot = 0; slot < slot_count_; ++slot)
                slots_[slot] = make_block(heap, slot);
        });
    }
    void work() override {
        for (std::size_t first = 0; first < visits_.size(); first += threads_) {
            const std::span<Visit> round = visits_.subspan(first, threads_);
            for (Visit& visit : round)
                visit.thread = start_thread(visit_main, &visit);
            for (const Visit& visit : round)
                join_thread(visit.thread);
        }
    }
    void drain() override {
        unmeasured([&](Heap& heap, std::uint64_t& sum) {
            for (std::size_t slot = 0; slot < slot_count_; ++slot)
                sum += free_block(heap, slots_[slot], slot);
        });
    }
    std::uint64_t operations() const override { return 2 * rounds_ * threads_; }

  private:
    struct Visit { // one short thread
        Mleak* owner = nullptr;
        unsigned lane = 0;
        std::uint64_t slot = 0;
        pthread_t thread{};
    };

    static void* visit_main(void* argument) {
        const Visit& visit = *static_cast<Visit*>(argument);
        Mleak& owner = *visit.owner;
        owner.in_lane(visit.lane, [&](Heap& heap, std::uint64_t& sum) {
            void* block = owner.make_block(heap, visit.slot);
            sum += owner.free_block(heap, owner.slots_[visit.slot].exchange(block), visit.slot);
        });
        return nullptr;
    }

    // All blocks that a slot ever holds carry one cookie: two threads of a round may meet at it in any order.
    void* make_block(Heap& heap, std::uint64_t slot) const {
        void* block = heap.allocate_zeroed(1, size_);
        if (read_cookie(block, size_) != 0) [[unlikely]]
            die_corrupt(block, size_); // calloc promised zeros
        touch(block, size_, key_ + slot, Touch::page);
        return block;
    }
    std::uint64_t free_block(Heap& heap, void* block, std::uint64_t slot) const {
        const std::uint64_t found = check(block, size_, key_ + slot, Touch::page);
        heap.release(block, size_);
        return found;
    }

    std::size_t size_;
    std::size_t slot_count_;
    std::uint64_t rounds_;
    std::uint64_t key_;
    std::span<std::atomic<void*>> slots_;
    std::span<Visit> visits_;
};

Cost cost(const Arguments& arguments) {
    const std::uint64_t size = count_of(arguments, "size");
    const std::uint64_t slots = count_of(arguments, "slots");
    const std::uint64_t visits = count_of(arguments, "operations") * arguments.threads;
    return {.live_bytes = (slots + arguments.threads) * size,
            .allocated_bytes = (slots + visits) * size,
            .operations = 2 * visits};
}

} // namespace

constinit const WorkloadSpec mleak_spec = {
    .name = "mleakN",
    .summary = "threads that make one block, exchange it for an older one, free that and end",
    .citation = "mimalloc-bench mleak",
    .parameters = parameters,
    .threaded = true,
    .micro = false,
    .cost = cost,
    .make = make_pattern<Mleak>,
};

} // namespace faultline::synthetic
