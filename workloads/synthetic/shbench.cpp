// sh6benchN, sh8benchN: 2N threads fill buffers of pointers; when one is full, all but a fifth of it is freed, the part below
// the fifth in the order in which it was made and the part above in the reverse order, and the next fifth is kept the next
// time. sh6bench takes sizes from a grid that favours small ones; sh8bench from a histogram, and lets one more thread make
// blocks of 8 bytes that the others free. From the descriptions of MicroQuill's SmartHeap benchmarks.
#include "workloads/engine/parameter.hpp"
#include "workloads/engine/team.hpp"
#include "workloads/synthetic/pattern.hpp"
#include "workloads/synthetic/specs.hpp"

#include <algorithm>
#include <atomic>
#include <sched.h>

namespace faultline::synthetic {

namespace {

using namespace engine;

// `count` blocks of one size in a row.
struct Run {
    std::uint32_t size;
    std::uint32_t count;
};

struct Kept {
    unsigned char* bytes = nullptr;
    std::uint32_t size = 0;
    std::uint32_t mark = 0; // its low byte stands in the block's first byte and in its last
};

// A thread's pointers. Not thread-safe.
class RotatingBuffer {
  public:
    void prepare(Arena& arena, std::size_t blocks) {
        blocks_ = arena.array<Kept>(blocks);
        keep_begin_ = keep_end_ = blocks;
    }

    void make(Heap& heap, std::uint64_t& sum, std::uint32_t size, std::uint32_t mark) {
        if (at_ == keep_begin_)
            at_ = keep_end_;
        if (at_ == blocks_.size()) {
            turn_over(heap, sum);
            at_ = keep_begin_ == 0 ? keep_end_ : 0;
        }
        auto* const bytes = static_cast<unsigned char*>(heap.allocate(size));
        bytes[0] = bytes[size - 1] = static_cast<unsigned char>(mark);
        blocks_[at_++] = {bytes, size, mark};
    }

    void empty(Heap& heap, std::uint64_t& sum) {
        for (Kept& block : blocks_)
            release(heap, sum, block);
        at_ = 0;
        keep_begin_ = keep_end_ = blocks_.size();
    }

  private:
    void turn_over(Heap& heap, std::uint64_t& sum) {
        keep_begin_ = keep_end_ == blocks_.size() ? 0 : keep_end_;
        keep_end_ = std::min(keep_begin_ + std::max<std::size_t>(blocks_.size() / 5, 1), blocks_.size());
        for (std::size_t i = 0; i < keep_begin_; ++i)
            release(heap, sum, blocks_[i]);
        for (std::size_t i = blocks_.size(); i > keep_end_; --i)
            release(heap, sum, blocks_[i - 1]);
    }
    static void release(Heap& heap, std::uint64_t& sum, Kept& block) {
        if (block.bytes == nullptr)
            return;
        if (block.bytes[0] != static_cast<unsigned char>(block.mark)) [[unlikely]]
            die_corrupt(block.bytes, block.size);
        sum += block.mark;
        heap.release(block.bytes, block.size);
        block.bytes = nullptr;
    }

    std::span<Kept> blocks_;
    std::size_t at_ = 0;         // where the next block goes
    std::size_t keep_begin_ = 0; // what survived the last time the buffer was full
    std::size_t keep_end_ = 0;
};

// Sizes up by half, and from each of them down by halves; small ones five times as often.
template <typename Each>
constexpr void each_grid_run(std::uint32_t min_size, std::uint32_t max_size, Each&& each) {
    for (std::uint32_t top = min_size; top < max_size; top = top + top / 2 + 1)
        for (std::uint32_t size = top; size > 0; size /= 2)
            each(Run{size, size < 100 ? 250U : 50U});
}

// Of an application server, as SmartHeap's makers found it.
constexpr Run histogram[] = {{8, 1000}, {16, 5000}, {48, 1000}, {72, 100}, {148, 100}, {200, 100},
                             {520, 10}, {1056, 5},  {4096, 3},  {9162, 1}, {34562, 1}, {168524, 1}};
constexpr std::uint32_t foreign_size = 8;

struct Pass { // once through all runs
    std::uint64_t blocks = 0;
    std::uint64_t bytes = 0;
    constexpr void add(Run run) {
        blocks += run.count;
        bytes += std::uint64_t{run.count} * run.size;
    }
};
Pass grid_pass(const Arguments& arguments) {
    Pass pass;
    each_grid_run(static_cast<std::uint32_t>(arguments.integer("min_size")),
                  static_cast<std::uint32_t>(arguments.integer("max_size")), [&](Run run) { pass.add(run); });
    return pass;
}
constexpr Pass histogram_pass() {
    Pass pass;
    for (const Run run : histogram)
        pass.add(run);
    return pass;
}

std::uint64_t share_of_worker(const Arguments& arguments, std::string_view name) {
    return std::max<std::uint64_t>(count_of(arguments, name) / (2 * arguments.threads), 1);
}
// Each worker frees an equal part of what each worker's part of the table holds, so that all of them meet.
std::uint64_t foreign_part(const Arguments& arguments) {
    const std::uint64_t workers = 2 * arguments.threads;
    return count_of(arguments, "foreign") / (workers * workers);
}
std::uint64_t foreign_blocks(const Arguments& arguments) {
    return foreign_part(arguments) * 4 * arguments.threads * arguments.threads;
}

// What both have in common: workers with a buffer each that make passes, from empty to empty.
class Shbench : public Pattern {
  public:
    Shbench(const Arguments& arguments, Pass pass)
        : Pattern(arguments), workers_(2 * arguments.threads), buffer_(share_of_worker(arguments, "buffer")),
          passes_(share_of_worker(arguments, "passes")), pass_(pass) {}
    std::uint64_t operations() const override { return 2 * workers_ * passes_ * pass_.blocks; }
    void drain() final { team_.join(); }

  protected:
    void prepare_team(unsigned threads, std::span<const Run> runs) {
        runs_ = runs;
        prepare_lanes(threads, {Operation::malloc, Operation::free, Operation::remote_free});
        team_.prepare(arena_, threads);
        buffers_ = arena_.array<RotatingBuffer>(workers_);
        for (RotatingBuffer& buffer : buffers_)
            buffer.prepare(arena_, buffer_);
    }
    // between() comes in front of every run.
    template <typename Between>
    void make_passes(Heap& heap, std::uint64_t& sum, unsigned index, std::uint64_t passes,
                     Between&& between) {
        RotatingBuffer& buffer = buffers_[index];
        auto mark = static_cast<std::uint32_t>(mix64(seed_ + index));
        for (std::uint64_t pass = 0; pass < passes; ++pass)
            for (const Run run : runs_) {
                between();
                for (std::uint32_t i = 0; i < run.count; ++i)
                    buffer.make(heap, sum, run.size, mark++);
            }
        buffer.empty(heap, sum);
    }

    unsigned workers_;
    std::uint64_t buffer_;
    std::uint64_t passes_;
    Pass pass_;
    std::span<const Run> runs_;
    Team team_;
    std::span<RotatingBuffer> buffers_;
};

class Sh6bench final : public Shbench {
  public:
    explicit Sh6bench(const Arguments& arguments)
        : Shbench(arguments, grid_pass(arguments)),
          min_size_(static_cast<std::uint32_t>(arguments.integer("min_size"))),
          max_size_(static_cast<std::uint32_t>(arguments.integer("max_size"))) {}
    Result<void> prepare() override {
        std::size_t count = 0;
        each_grid_run(min_size_, max_size_, [&](Run) { ++count; });
        const std::span<Run> grid = arena_.array<Run>(count);
        std::size_t next = 0;
        each_grid_run(min_size_, max_size_, [&](Run run) { grid[next++] = run; });
        prepare_team(workers_, grid);
        return {};
    }
    void warmup() override {
        team_.start();
        run(1);
    }
    void work() override { run(passes_); }

  private:
    void run(std::uint64_t passes) {
        team_.run([&](unsigned index) {
            in_lane(index,
                    [&](Heap& heap, std::uint64_t& sum) { make_passes(heap, sum, index, passes, [] {}); });
        });
    }

    std::uint32_t min_size_;
    std::uint32_t max_size_;
};

class Sh8bench final : public Shbench {
  public:
    explicit Sh8bench(const Arguments& arguments)
        : Shbench(arguments, histogram_pass()), foreign_part_(foreign_part(arguments)),
          foreign_blocks_(foreign_blocks(arguments)) {}

    Result<void> prepare() override {
        prepare_team(workers_ + 1, histogram);
        foreign_ = arena_.array<std::atomic<std::uint64_t*>>(foreign_blocks_);
        return {};
    }
    void warmup() override {
        team_.start();
        run(std::min<std::uint64_t>(passes_, 3), 0);
    }
    void work() override { run(passes_, foreign_part_); }
    std::uint64_t operations() const override { return Shbench::operations() + 2 * foreign_blocks_; }

  private:
    // One worker's way through the table: a part of each of its slots.
    struct Frees {
        std::uint64_t slot = 0;
        std::uint64_t done = 0; // of this slot
    };

    void run(std::uint64_t passes, std::uint64_t foreign_part) {
        team_.run([&](unsigned index) {
            in_lane(index, [&](Heap& heap, std::uint64_t& sum) {
                if (index == workers_)
                    return make_foreign(heap, foreign_part * workers_ * workers_);
                Frees frees;
                make_passes(heap, sum, index, passes,
                            [&] { free_foreign(heap, sum, index, foreign_part, frees); });
                while (frees.slot < workers_ && foreign_part > 0) {
                    free_foreign(heap, sum, index, foreign_part, frees);
                    sched_yield(); // the maker has not come this far
                }
            });
        });
    }

    void make_foreign(Heap& heap, std::uint64_t blocks) {
        for (std::uint64_t i = 0; i < blocks; ++i) {
            auto* const block = static_cast<std::uint64_t*>(heap.allocate(foreign_size));
            *block = seed_ + i;
            foreign_[i].store(block, std::memory_order_release);
        }
    }

    // As far as the blocks have been made.
    void free_foreign(Heap& heap, std::uint64_t& sum, unsigned index, std::uint64_t part, Frees& frees) {
        for (; frees.slot < workers_ && part > 0; frees = {frees.slot + 1, 0}) {
            const std::uint64_t first = (frees.slot * workers_ + index) * part;
            for (; frees.done < part; ++frees.done) {
                std::atomic<std::uint64_t*>& entry = foreign_[first + frees.done];
                std::uint64_t* const block = entry.load(std::memory_order_acquire);
                if (block == nullptr)
                    return;
                if (*block != seed_ + first + frees.done) [[unlikely]]
                    die_corrupt(block, foreign_size);
                sum += *block;
                heap.release(block, foreign_size, Operation::remote_free);
                entry.store(nullptr, std::memory_order_relaxed);
            }
        }
    }

    std::uint64_t foreign_part_;
    std::uint64_t foreign_blocks_;
    std::span<std::atomic<std::uint64_t*>> foreign_;
};

constexpr Parameter sh6_parameters[] = {
    integer_parameter("min_size", "1", 1, 1 << 20, "bytes", "smallest top of a row of sizes"),
    integer_parameter("max_size", "1000", 2, 1 << 20, "bytes", "no block is as large"),
    integer_parameter("buffer", "10000", 10, 1 << 26, "blocks", "in all buffers"),
    integer_parameter("passes", "600", 1, std::int64_t{1} << 32, "passes",
                      "through all sizes, shared out over the threads; the original: 10000"),
};
constexpr Parameter sh8_parameters[] = {
    integer_parameter("buffer", "1000000", 10, 1 << 26, "blocks", "in all buffers"),
    integer_parameter("passes", "1000", 1, std::int64_t{1} << 32, "passes",
                      "through all sizes, shared out over the threads; the original: 58333"),
    integer_parameter("foreign", "1000000", 0, 1 << 28, "blocks",
                      "of 8 bytes, made by one thread and freed by the others; the original: 10000000"),
};

// The largest size may fill a buffer of sh6bench; a buffer of sh8bench holds whole passes and the ends of two.
Cost sh6_cost(const Arguments& arguments) {
    const Pass pass = grid_pass(arguments);
    const std::uint64_t workers = 2 * arguments.threads;
    const std::uint64_t passes = share_of_worker(arguments, "passes");
    return {.live_bytes =
                workers * std::min(share_of_worker(arguments, "buffer") * count_of(arguments, "max_size"),
                                   passes * pass.bytes),
            .allocated_bytes = workers * (passes + 1) * pass.bytes,
            .operations = 2 * workers * passes * pass.blocks};
}
Cost sh8_cost(const Arguments& arguments) {
    constexpr Pass pass = histogram_pass();
    const std::uint64_t workers = 2 * arguments.threads;
    const std::uint64_t passes = share_of_worker(arguments, "passes");
    const std::uint64_t foreign = foreign_blocks(arguments);
    const std::uint64_t passes_kept =
        std::min(share_of_worker(arguments, "buffer") / pass.blocks + 2, passes);
    return {.live_bytes = workers * passes_kept * pass.bytes + foreign * foreign_size,
            .allocated_bytes = workers * (passes + 3) * pass.bytes + foreign * foreign_size,
            .operations = 2 * (workers * passes * pass.blocks + foreign)};
}

} // namespace

constinit const WorkloadSpec sh6bench_spec = {
    .name = "sh6benchN",
    .summary = "2N threads fill buffers and free all but a rotating fifth, the lower part in order, the "
               "upper in reverse",
    .citation = "MicroQuill, SmartHeap shbench (sh6bench), 2000; with mimalloc-bench",
    .parameters = sh6_parameters,
    .threaded = true,
    .micro = false,
    .cost = sh6_cost,
    .make = make_pattern<Sh6bench>,
    .check = check_sizes,
};

constinit const WorkloadSpec sh8bench_spec = {
    .name = "sh8benchN",
    .summary =
        "as sh6benchN with a server's histogram of sizes, and small blocks of one thread freed by all others",
    .citation = "MicroQuill, SmartHeap shbench (sh8bench), 2005; with mimalloc-bench",
    .parameters = sh8_parameters,
    .threaded = true,
    .micro = false,
    .cost = sh8_cost,
    .make = make_pattern<Sh8bench>,
};

} // namespace faultline::synthetic
