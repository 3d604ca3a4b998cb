// startup: what a program does until it is ready: a heap that only grows, from cold. Blocks of many sizes, most of which stay,
// and tables that double when the number of blocks has. Every first touch and every first call into the kernel is in it.
#include "workloads/engine/parameter.hpp"
#include "workloads/synthetic/pattern.hpp"
#include "workloads/synthetic/slots.hpp"
#include "workloads/synthetic/specs.hpp"

#include <bit>

namespace faultline::synthetic {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    integer_parameter("operations", "300000", 64, 1 << 28, "blocks",
                      "made; 17 to 4096 bytes, each doubling half as likely"),
    integer_parameter("temporary", "5", 2, 1 << 28, "blocks", "of which one is freed soon; the others stay"),
    integer_parameter("tables", "8", 0, 1024, "tables", "with a word for each block, all of them together"),
};

constexpr std::size_t lag = 32;         // blocks that are made before a temporary one is freed
constexpr std::size_t first_table = 64; // blocks, from which on there are tables

constexpr std::uint32_t largest = 4096;
std::uint32_t draw_size(Rng& random) {
    std::uint32_t bound = 32;
    while (bound < largest && random.chance(50))
        bound *= 2;
    return static_cast<std::uint32_t>(random.between(bound / 2 + 1, bound));
}
// Three quarters of the bound: 2^k * 32 with a chance of 2^-(k+1) for seven doublings, the eighth taking what is left.
constexpr std::uint64_t mean_size = 12 * 9 + 1;

class Startup final : public Pattern {
  public:
    explicit Startup(const Arguments& arguments)
        : Pattern(arguments), blocks_(count_of(arguments, "operations")),
          temporary_(count_of(arguments, "temporary")), tables_(count_of(arguments, "tables")) {}

    Result<void> prepare() override {
        prepare_lanes(1, {Operation::malloc, Operation::realloc, Operation::free});
        sizes_ = arena_.array<std::uint32_t>(blocks_);
        slots_ = arena_.array<SlotBlock>(blocks_);
        table_ = arena_.array<SlotBlock>(tables_);
        Rng random(seed_);
        for (std::uint32_t& size : sizes_)
            size = draw_size(random);
        return {};
    }
    void work() override {
        in_lane(0, [&](Heap& heap, std::uint64_t& sum) {
            std::uint64_t cookie = mix64(seed_);
            for (std::size_t i = 0; i < blocks_; ++i) {
                fill_slot(heap, slots_[i], sizes_[i], cookie += golden_gamma, Touch::all);
                if (i >= lag && (i - lag) % temporary_ == 0)
                    sum += empty_slot(heap, slots_[i - lag], Touch::all);
                if (i + 1 >= first_table && std::has_single_bit(i + 1))
                    grow_tables(heap, sum, 2 * (i + 1));
            }
        });
    }
    void drain() override {
        unmeasured([&](Heap& heap, std::uint64_t& sum) {
            for (SlotBlock& slot : slots_)
                sum += empty_slot(heap, slot, Touch::all);
            for (SlotBlock& table : table_)
                sum += empty_slot(heap, table, Touch::page);
        });
    }
    std::uint64_t operations() const override { return operations(blocks_, temporary_, tables_); }

    static std::uint64_t operations(std::uint64_t blocks, std::uint64_t temporary, std::uint64_t tables) {
        const std::uint64_t freed = blocks > lag ? (blocks - lag + temporary - 1) / temporary : 0;
        const auto growths =
            static_cast<std::uint64_t>(std::bit_width(blocks) - std::bit_width(first_table) + 1);
        return blocks + freed + growths * tables;
    }

  private:
    void grow_tables(Heap& heap, std::uint64_t& sum, std::size_t words) {
        const std::size_t bytes = std::max(words / tables_, std::size_t{1}) * sizeof(std::uint64_t);
        for (SlotBlock& table : table_) {
            const std::uint64_t cookie = mix64(seed_ + bytes);
            void* const larger = heap.resize(table.memory, table.size, bytes);
            if (table.memory != nullptr)
                sum += check(larger, table.size, table.cookie, Touch::page); // the content moved with it
            table = {larger, bytes, cookie};
            touch(larger, bytes, cookie, Touch::page);
        }
    }

    std::size_t blocks_;
    std::size_t temporary_;
    std::size_t tables_;
    std::span<std::uint32_t> sizes_;
    std::span<SlotBlock> slots_;
    std::span<SlotBlock> table_;
};

Cost cost(const Arguments& arguments) {
    const std::uint64_t blocks = count_of(arguments, "operations");
    const std::uint64_t tables = count_of(arguments, "tables");
    const std::uint64_t table_bytes = std::max(2 * std::bit_ceil(blocks), tables) * sizeof(std::uint64_t);
    return {.live_bytes = blocks * mean_size + 2 * table_bytes, // a table and its copy
            .allocated_bytes = blocks * mean_size + 2 * table_bytes,
            .operations = Startup::operations(blocks, count_of(arguments, "temporary"), tables)};
}

} // namespace

constinit const WorkloadSpec startup_spec = {
    .name = "startup",
    .summary = "a program's start: a cold heap that only grows, with tables that double beside it",
    .citation = "this project; what a cold allocator costs short programs, as git and compilers are",
    .parameters = parameters,
    .threaded = false,
    .micro = false,
    .cost = cost,
    .make = make_pattern<Startup>,
};

} // namespace faultline::synthetic
