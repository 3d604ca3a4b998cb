// glibc-threadN: each thread replaces random blocks of a working set of its own; small blocks are far more
// likely than large ones, and every byte is written.
#include "workloads/engine/parameter.hpp"
#include "workloads/engine/team.hpp"
#include "workloads/engine/touch.hpp"
#include "workloads/synthetic/pattern.hpp"
#include "workloads/synthetic/specs.hpp"

#include <cmath>
#include <cstring>

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

// As the original, which draws so few beforehand and goes round: what comes next is not new to the processor.
constexpr std::size_t drawn_sizes = 8000;
constexpr std::size_t drawn_slots_a_slot = 4;

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
            const std::span<std::uint32_t> order = arena_.array<std::uint32_t>(slots_ * drawn_slots_a_slot);
            const std::span<std::uint32_t> sizes = arena_.array<std::uint32_t>(drawn_sizes);
            Rng random(seed_, index);
            for (std::uint32_t& slot : order)
                slot = static_cast<std::uint32_t>(random.below(slots_));
            for (std::uint32_t& size : sizes)
                size = inverse_square(random, min_size_, max_size_);
            workers_[index] = {arena_.array<Slot>(slots_), order, sizes, mix64(seed_ + index)};
        }
        return {};
    }
    void warmup() override {
        team_.start();
        team_.run([&](unsigned index) {
            in_lane(index, [&](Heap& heap, std::uint64_t& /*sum*/) {
                Worker& worker = workers_[index];
                for (std::size_t slot = 0; slot < slots_; ++slot)
                    fill(heap, worker.slots[slot], worker.sizes[slot % drawn_sizes],
                         worker.cookie += golden_gamma, touch_);
            });
        });
    }
    void work() override {
        team_.run([&](unsigned index) { replace(index); });
    }
    void drain() override {
        team_.run([&](unsigned index) {
            in_lane(index, [&](Heap& heap, std::uint64_t& sum) {
                for (Slot& slot : workers_[index].slots)
                    sum += empty(heap, slot, touch_);
            });
        });
        team_.join();
    }
    std::uint64_t operations() const override { return 2 * std::uint64_t{threads_} * steps_; }

  private:
    // Small, as the original keeps but a pointer: a working set and its slots share the caches nearest to the processor.
    struct Slot {
        unsigned char* memory = nullptr;
        std::uint32_t size = 0;
        std::uint32_t cookie = 0; // of which the block begins with as much as fits
    };

    static void fill(Heap& heap, Slot& slot, std::uint32_t size, std::uint64_t random, Touch how) {
        slot = {static_cast<unsigned char*>(heap.allocate(size)), size,
                static_cast<std::uint32_t>(random >> 32)};
        if (how == Touch::all) {
            write_inline(slot.memory, size, slot.cookie);
            escape(slot.memory);
        } else {
            touch(slot.memory, size, slot.cookie, how);
        }
    }

    // Sixteen bytes at a time as the compiler makes of the original's loop: a call of memset costs more than most blocks.
    static void write_inline(unsigned char* block, std::size_t size, std::uint32_t cookie) {
        unsigned char pattern[16];
        std::memset(pattern, static_cast<int>(cookie & 0xff), sizeof pattern);
        std::size_t at = 0;
        for (; at + sizeof pattern <= size; at += sizeof pattern)
            std::memcpy(block + at, pattern, sizeof pattern);
        for (; at < size; ++at)
            static_cast<volatile unsigned char*>(block)[at] = pattern[0]; // volatile: else it were that call
        if (size >= sizeof cookie) [[likely]]
            std::memcpy(block, &cookie, sizeof cookie);
        else
            write_cookie(block, size, cookie);
    }

    static std::uint64_t empty(Heap& heap, Slot& slot, Touch how) {
        std::uint32_t found = 0;
        if (how == Touch::all && slot.size >= sizeof found) [[likely]] {
            std::memcpy(&found, slot.memory, sizeof found);
            const bool ends_well = slot.size <= touch_page_bytes ||
                                   slot.memory[slot.size - 1] == static_cast<unsigned char>(slot.cookie);
            if (found != slot.cookie || !ends_well) [[unlikely]]
                die_corrupt(slot.memory, slot.size);
        } else {
            found = static_cast<std::uint32_t>(check(slot.memory, slot.size, slot.cookie, how));
        }
        heap.release(slot.memory, slot.size);
        return found;
    }

    struct Worker {
        std::span<Slot> slots;
        std::span<const std::uint32_t> order;
        std::span<const std::uint32_t> sizes;
        std::uint64_t cookie = 0; // of the block made last: runs on from warmup() into measure()
    };

    void replace(unsigned index) {
        in_lane(index, [&, how = touch_](Heap& heap, std::uint64_t& sum) {
            const Worker& worker = workers_[index];
            std::uint64_t cookie = worker.cookie;
            std::size_t at = 0;
            std::size_t size_at = 0;
            for (std::uint64_t step = 0; step < steps_; ++step) {
                Slot& slot = worker.slots[worker.order[at]];
                sum += empty(heap, slot, how);
                fill(heap, slot, worker.sizes[size_at], cookie += golden_gamma, how);
                at = at + 1 < worker.order.size() ? at + 1 : 0;
                size_at = size_at + 1 < drawn_sizes ? size_at + 1 : 0;
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
