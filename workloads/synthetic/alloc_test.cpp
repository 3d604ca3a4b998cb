// alloc-testN: a working set of 2^18 slots in which few are visited often and most rarely; a visit to a full slot reads
// its block and frees it, one to an empty slot fills it. The memory behind an allocator's caches, met as by programs.
#include "workloads/engine/parameter.hpp"
#include "workloads/engine/team.hpp"
#include "workloads/engine/touch.hpp"
#include "workloads/synthetic/pattern.hpp"
#include "workloads/synthetic/slots.hpp"
#include "workloads/synthetic/specs.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace faultline::synthetic {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    integer_parameter("slots", "262144", 64, 1 << 26, "slots",
                      "in all, shared out over the threads; half are filled"),
    integer_parameter("max_size", "1024", 8, 1 << 20, "bytes",
                      "largest block; from 5, each doubling half as likely"),
    integer_parameter("operations", "1000000", 1, std::int64_t{1} << 28, "visits",
                      "in all, shared out over the threads; the original: 100000000"),
};

constexpr std::uint32_t smallest = 5; // no less than a block's cookie
constexpr unsigned pareto_levels = 6;

// 80 % of the visits go to 20 % of the slots, and so again within those 20 %, six times over.
std::uint32_t pareto_slot(Rng& random, std::uint64_t slots) {
    std::uint64_t low = 0;
    std::uint64_t high = slots;
    for (unsigned level = 0; level < pareto_levels && high - low >= 5; ++level) {
        const std::uint64_t edge = low + (high - low) / 5;
        if (!random.chance(80)) {
            low = edge;
            break;
        }
        high = edge;
    }
    return static_cast<std::uint32_t>(low + random.below(high - low));
}

// Each doubling of the upper bound is half as likely as the one before; uniform between the bounds.
std::uint32_t halving_size(Rng& random, std::uint32_t max_size) {
    std::uint32_t bound = 8;
    while (bound < max_size && random.chance(50))
        bound *= 2;
    bound = std::min(bound, max_size);
    const std::uint32_t low = bound == 8 ? smallest : bound / 2 + 1;
    return static_cast<std::uint32_t>(random.between(std::min(low, bound), bound));
}

class AllocTest final : public Pattern {
  public:
    explicit AllocTest(const Arguments& arguments)
        : Pattern(arguments),
          slots_each_(std::max<std::uint64_t>(count_of(arguments, "slots") / threads_, 1)),
          max_size_(static_cast<std::uint32_t>(arguments.integer("max_size"))),
          visits_each_(std::max<std::uint64_t>(count_of(arguments, "operations") / threads_, 1)) {}

    Result<void> prepare() override {
        prepare_lanes(threads_, {Operation::malloc, Operation::free});
        team_.prepare(arena_, threads_);
        workers_ = arena_.array<Worker>(threads_);
        for (unsigned index = 0; index < threads_; ++index) {
            const std::span<Replacement> initial = arena_.array<Replacement>(slots_each_ / 2);
            const std::span<Replacement> visits = arena_.array<Replacement>(visits_each_);
            Rng random(seed_, index);
            std::uint32_t next = 0;
            for (Replacement& fill : initial) // every second slot, so that hot and cold ones are half filled
                fill = {2 * next++, halving_size(random, max_size_)};
            for (Replacement& visit : visits)
                visit = {pareto_slot(random, slots_each_), halving_size(random, max_size_)};
            workers_[index] = {arena_.array<Bin>(slots_each_), initial, visits, mix64(seed_ + index)};
        }
        return {};
    }
    void warmup() override {
        team_.start();
        team_.run([&](unsigned index) { visit_all(index, workers_[index].initial); });
    }
    void work() override {
        team_.run([&](unsigned index) { visit_all(index, workers_[index].visits); });
    }
    void drain() override {
        team_.run([&](unsigned index) {
            in_lane(index, [&](Heap& heap, std::uint64_t& sum) {
                for (Bin& bin : workers_[index].bins)
                    if (bin.memory != nullptr)
                        sum += read_and_empty(heap, bin);
            });
        });
        team_.join();
    }
    std::uint64_t operations() const override { return visits_each_ * threads_; }

  private:
    // As large as the original's: there are so many that they take part of the caches from the blocks.
    struct Bin {
        unsigned char* memory = nullptr;
        std::uint32_t size = 0;
        std::uint32_t cookie = 0; // what the block begins with
    };
    static_assert(sizeof(Bin) == 16);

    struct Worker {
        std::span<Bin> bins;
        std::span<const Replacement> initial;
        std::span<const Replacement> visits;
        std::uint64_t cookie = 0; // of the block made last: runs on from warmup() into measure()
    };

    void visit_all(unsigned index, std::span<const Replacement> visits) {
        in_lane(index, [&](Heap& heap, std::uint64_t& sum) {
            Bin* const bins = workers_[index].bins.data();
            std::uint64_t cookie = workers_[index].cookie;
            for (const Replacement visit : visits) {
                Bin& bin = bins[visit.slot];
                if (bin.memory != nullptr)
                    sum += read_and_empty(heap, bin);
                else
                    fill(heap, bin, visit.size, static_cast<std::uint32_t>((cookie += golden_gamma) >> 32));
            }
            workers_[index].cookie = cookie;
        });
    }

    static void fill(Heap& heap, Bin& bin, std::uint32_t size, std::uint32_t cookie) {
        bin = {static_cast<unsigned char*>(heap.allocate(size)), size, cookie};
        std::memset(bin.memory, static_cast<int>(size), size);
        std::memcpy(bin.memory, &cookie, sizeof cookie); // no block is smaller
        escape(bin.memory);
    }

    // Reads the whole block, as the original does: word by word, and what is left byte by byte.
    static std::uint64_t read_and_empty(Heap& heap, Bin& bin) {
        std::uint64_t sum = 0;
        std::size_t at = 0;
        for (; at + sizeof sum <= bin.size; at += sizeof sum)
            sum += read_cookie(bin.memory + at, sizeof sum);
        for (; at < bin.size; ++at)
            sum += bin.memory[at];
        std::uint32_t found = 0;
        std::memcpy(&found, bin.memory, sizeof found);
        if (found != bin.cookie) [[unlikely]]
            die_corrupt(bin.memory, bin.size);
        heap.release(bin.memory, bin.size);
        bin.memory = nullptr;
        return sum;
    }

    std::uint64_t slots_each_;
    std::uint32_t max_size_;
    std::uint64_t visits_each_;
    Team team_;
    std::span<Worker> workers_;
};

Cost cost(const Arguments& arguments) {
    const std::uint64_t threads = arguments.threads;
    const std::uint64_t slots = std::max<std::uint64_t>(count_of(arguments, "slots") / threads, 1) * threads;
    const std::uint64_t visits =
        std::max<std::uint64_t>(count_of(arguments, "operations") / threads, 1) * threads;
    // Each doubling adds as much to the mean as the one before: 2^k times 2^-k.
    const std::uint64_t doublings = std::bit_width(static_cast<std::uint64_t>(arguments.integer("max_size")));
    const std::uint64_t mean_size = 4 * doublings;
    return {.live_bytes = slots * mean_size,
            .allocated_bytes = (slots + visits) / 2 * mean_size,
            .operations = visits};
}

} // namespace

constinit const WorkloadSpec alloc_test_spec = {
    .name = "alloc-testN",
    .summary = "slots visited by a six-level 80/20 rule: full ones read and freed, empty ones filled",
    .citation = "node-dcpp alloc-test (Ignatchenko), with mimalloc-bench",
    .parameters = parameters,
    .threaded = true,
    .micro = false,
    .cost = cost,
    .make = make_pattern<AllocTest>,
};

} // namespace faultline::synthetic
