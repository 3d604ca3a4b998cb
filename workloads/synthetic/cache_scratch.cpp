// cache-scratchN, cache-thrashN: does an allocator put blocks of different threads on one cache line? Each
// thread writes to a tiny block of its own many times; when two share a line, both crawl. Active false
// sharing (thrash): the allocator splits a line itself. Passive (scratch): main makes the first blocks, side
// by side, hands one to each thread, and the threads free them; an allocator that gives such a block to the
// thread that freed it keeps sharing. Berger, McKinley, Blumofe, Wilson, "Hoard: A Scalable Memory Allocator
// for Multithreaded Applications", ASPLOS 2000.
#include "workloads/engine/parameter.hpp"
#include "workloads/engine/team.hpp"
#include "workloads/engine/touch.hpp"
#include "workloads/synthetic/pattern.hpp"
#include "workloads/synthetic/specs.hpp"

namespace faultline::synthetic {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    integer_parameter("size", "1", 1, 4096, "bytes", "of a block"),
    integer_parameter("operations", "1000", 1, 1 << 30, "blocks", "made, written and freed by each thread"),
    integer_parameter(
        "writes", "40000", 1, 1 << 30, "writes",
        "to each byte of a block, each read back, shared out over the threads; the original: 2000000"),
};

template <bool handed_in>
class CacheScratch final : public Pattern {
  public:
    explicit CacheScratch(const Arguments& arguments)
        : Pattern(arguments), size_(count_of(arguments, "size")), rounds_(count_of(arguments, "operations")),
          writes_(std::max<std::uint64_t>(count_of(arguments, "writes") / arguments.threads, 1)) {}

    Result<void> prepare() override {
        prepare_lanes(threads_, {Operation::malloc, Operation::free, Operation::remote_free});
        team_.prepare(arena_, threads_);
        handed_ = arena_.array<void*>(threads_);
        return {};
    }
    void warmup() override {
        team_.start();
        if constexpr (handed_in)
            unmeasured([&](Heap& heap, std::uint64_t& /*sum*/) {
                for (unsigned index = 0; index < threads_; ++index) {
                    handed_[index] = heap.allocate(size_);
                    touch(handed_[index], size_, mix64(seed_ + index), Touch::all);
                }
            });
    }
    void work() override {
        team_.run([&](unsigned index) {
            in_lane(index, [&](Heap& heap, std::uint64_t& sum) {
                if constexpr (handed_in) {
                    sum += check(handed_[index], size_, mix64(seed_ + index), Touch::all);
                    heap.release(handed_[index], size_, Operation::remote_free);
                }
                for (std::uint64_t round = 0; round < rounds_; ++round)
                    sum += one_block(heap, static_cast<unsigned char>(round));
            });
        });
    }
    void drain() override { team_.join(); }
    std::uint64_t operations() const override { return threads_ * (2 * rounds_ + (handed_in ? 1 : 0)); }

  private:
    std::uint64_t one_block(Heap& heap, unsigned char first) {
        void* const block = heap.allocate(size_);
        volatile unsigned char* const bytes = static_cast<unsigned char*>(block);
        std::uint64_t found = 0;
        for (std::uint64_t write = 0; write < writes_; ++write)
            for (std::size_t at = 0; at < size_; ++at) {
                bytes[at] = first;
                found += bytes[at];
            }
        if (found != first * writes_ * size_) [[unlikely]]
            die_corrupt(block, size_);
        heap.release(block, size_);
        return found;
    }

    std::size_t size_;
    std::uint64_t rounds_;
    std::uint64_t writes_;
    Team team_;
    std::span<void*> handed_;
};

template <bool handed_in>
Cost cost(const Arguments& arguments) {
    const std::uint64_t size = count_of(arguments, "size");
    const std::uint64_t rounds = count_of(arguments, "operations");
    const std::uint64_t handed = handed_in ? 1 : 0;
    return {.live_bytes = arguments.threads * size * (1 + handed),
            .allocated_bytes = arguments.threads * size * (rounds + handed),
            .operations = arguments.threads * (2 * rounds + handed)};
}

constexpr std::string_view source = "Berger et al., Hoard, ASPLOS 2000; benchmarks of the Hoard distribution";

} // namespace

constinit const WorkloadSpec cache_scratch_spec = {
    .name = "cache-scratchN",
    .summary = "passive false sharing: tiny blocks that main made side by side, freed and written by threads",
    .citation = source,
    .parameters = parameters,
    .threaded = true,
    .micro = false,
    .cost = cost<true>,
    .make = make_pattern<CacheScratch<true>>,
};

constinit const WorkloadSpec cache_thrash_spec = {
    .name = "cache-thrashN",
    .summary = "active false sharing: tiny blocks made and written by threads",
    .citation = source,
    .parameters = parameters,
    .threaded = true,
    .micro = false,
    .cost = cost<false>,
    .make = make_pattern<CacheScratch<false>>,
};

} // namespace faultline::synthetic
