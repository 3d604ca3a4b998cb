// rptestN: each thread scatters blocks of mixed sizes and alignments over its slots, frees others of them, and hands every
// second batch to another thread, which frees it when it comes by. After Jansson's rpmalloc-benchmark.
#include "workloads/engine/parameter.hpp"
#include "workloads/engine/team.hpp"
#include "workloads/engine/touch.hpp"
#include "workloads/synthetic/pattern.hpp"
#include "workloads/synthetic/specs.hpp"

#include <atomic>
#include <cmath>
#include <numeric>

namespace faultline::synthetic {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    integer_parameter("slots", "1000", 16, 1 << 20, "blocks", "of each thread"),
    integer_parameter("min_size", "8", 8, 1 << 20, "bytes", "smallest block"),
    integer_parameter("max_size", "16000", 8, 1 << 26, "bytes", "largest block; a mean of a sixth of it"),
    integer_parameter("batch", "100", 1, 1 << 16, "blocks",
                      "made in a loop, at most; up to four fifths as many are freed first"),
    integer_parameter("loops", "500", 1, std::int64_t{1} << 32, "loops", "of each thread in a round"),
    integer_parameter("rounds", "12", 1, std::int64_t{1} << 32, "rounds",
                      "from empty slots to empty slots; the original: 4"),
};

constexpr std::size_t drawn_sizes = 2000;   // used round and round, as in the original
constexpr std::size_t aligned_below = 4096; // larger blocks come from calloc alone

// Thirty to ninety-nine percent of `most`, in an order that looks random and is the same for every seed, so that the cost
// is known without it.
std::uint64_t share(std::uint64_t most, std::uint64_t loop, std::uint64_t stride) {
    return std::max<std::uint64_t>(most * (30 + loop * stride % 70) / 100, 1);
}
std::uint64_t blocks_made(std::uint64_t batch, std::uint64_t loop) {
    return share(batch, loop, 37);
}
std::uint64_t slots_freed(std::uint64_t batch, std::uint64_t loop) {
    return share(batch, loop, 23) * 4 / 5;
}
bool hands_over(unsigned threads, std::uint64_t loop) {
    return threads > 1 && loop % 2 == 0;
}

// What one thread makes in all: blocks, batches, and the entries of those.
struct Made {
    std::uint64_t blocks = 0;
    std::uint64_t batches = 0;
    std::uint64_t entries = 0;
};
Made made_by_a_thread(unsigned threads, std::uint64_t batch, std::uint64_t loops) {
    Made made;
    for (std::uint64_t loop = 0; loop < loops; ++loop) {
        const std::uint64_t blocks = blocks_made(batch, loop);
        made.blocks += blocks;
        if (hands_over(threads, loop)) {
            ++made.batches;
            made.entries += blocks;
            made.blocks += blocks;
        }
    }
    return made;
}

// In the heap under test, followed by its blocks.
struct Batch {
    Batch* next;
    std::size_t count;
    void** blocks() { return reinterpret_cast<void**>(this + 1); }
    static std::size_t bytes(std::size_t count) { return sizeof(Batch) + count * sizeof(void*); }
};

// Where others leave batches for a thread.
class alignas(64) Mailbox {
  public:
    void put(Batch* batch) {
        batch->next = top_.load(std::memory_order_relaxed);
        while (!top_.compare_exchange_weak(batch->next, batch, std::memory_order_release,
                                           std::memory_order_relaxed)) {
        }
    }
    Batch* take_all() { return top_.exchange(nullptr, std::memory_order_acquire); }

  private:
    std::atomic<Batch*> top_{nullptr};
};

class Rptest final : public Pattern {
  public:
    explicit Rptest(const Arguments& arguments)
        : Pattern(arguments), slots_(count_of(arguments, "slots")),
          min_size_(static_cast<std::uint32_t>(arguments.integer("min_size"))),
          max_size_(static_cast<std::uint32_t>(arguments.integer("max_size"))),
          batch_(count_of(arguments, "batch")), loops_(count_of(arguments, "loops")),
          rounds_(count_of(arguments, "rounds")), make_stride_(coprime_from(7)),
          free_stride_(coprime_from(make_stride_ + 1)), key_(mix64(arguments.seed)) {}

    Result<void> prepare() override {
        prepare_lanes(threads_,
                      {Operation::calloc, Operation::posix_memalign, Operation::malloc, Operation::free});
        team_.prepare(arena_, threads_);
        sizes_ = arena_.array<std::uint32_t>(drawn_sizes);
        Rng random(seed_);
        for (std::uint32_t& size : sizes_)
            size = draw_size(random);
        members_ = arena_.array<Member>(threads_);
        for (Member& member : members_)
            member.slots = arena_.array<void*>(slots_);
        return {};
    }
    void warmup() override {
        team_.start();
        run_round(std::min<std::uint64_t>(loops_, 50));
    }
    void work() override {
        for (std::uint64_t round = 0; round < rounds_; ++round)
            run_round(loops_);
    }
    void drain() override { team_.join(); }
    std::uint64_t operations() const override {
        const Made made = made_by_a_thread(threads_, batch_, loops_);
        return 2 * threads_ * rounds_ * (made.blocks + made.batches);
    }

  private:
    struct Member {
        std::span<void*> slots;
        Mailbox mailbox;
    };
    struct Place { // of the next size in the table
        std::size_t at;
        std::uint32_t next(std::span<const std::uint32_t> sizes) { return sizes[at++ % drawn_sizes]; }
    };

    std::size_t coprime_from(std::size_t stride) const {
        while (std::gcd(stride, slots_) != 1)
            ++stride;
        return stride;
    }

    // The original's "linear" sizes: uniform, times a factor whose density falls off linearly.
    std::uint32_t draw_size(Rng& random) const {
        const double factor = std::fabs(1 - random.unit() - random.unit());
        return min_size_ + static_cast<std::uint32_t>((max_size_ - min_size_) * (random.unit() * factor));
    }

    // From empty slots to empty slots.
    void run_round(std::uint64_t loops) {
        team_.run([&](unsigned index) {
            in_lane(index, [&](Heap& heap, std::uint64_t& sum) { run_loops(heap, sum, index, loops); });
        });
        team_.run([&](unsigned index) {
            in_lane(index, [&](Heap& heap, std::uint64_t& sum) {
                sum += free_batches(heap, members_[index].mailbox.take_all());
                for (void*& slot : members_[index].slots)
                    sum += empty(heap, slot);
            });
        });
    }

    void run_loops(Heap& heap, std::uint64_t& sum, unsigned index, std::uint64_t loops) {
        Member& self = members_[index];
        Place place{index * std::size_t{37}};
        std::size_t make_at = 0;
        std::size_t free_at = 0;
        unsigned turn = 0;
        for (std::uint64_t loop = 0; loop < loops; ++loop) {
            Batch* const handed_in = self.mailbox.take_all();
            for (std::uint64_t i = slots_freed(batch_, loop); i > 0; --i) {
                sum += empty(heap, self.slots[free_at]);
                free_at = (free_at + free_stride_) % slots_;
            }
            sum += free_batches(heap, handed_in);
            const std::uint64_t count = blocks_made(batch_, loop);
            for (std::uint64_t i = 0; i < count; ++i) {
                sum += empty(heap, self.slots[make_at]);
                self.slots[make_at] = make_block(heap, place.next(sizes_), i);
                make_at = (make_at + make_stride_) % slots_;
            }
            if (hands_over(threads_, loop)) {
                Batch* const batch = make_batch(heap, count, place);
                turn = turn % (threads_ - 1) + 1;
                members_[(index + turn) % threads_].mailbox.put(batch);
            }
        }
    }

    // A block's first word is its size, by a key, so that whoever frees it knows what to expect.
    void* make_block(Heap& heap, std::size_t size, std::uint64_t number) const {
        const unsigned alignment = size < aligned_below ? static_cast<unsigned>(number % 3) * 8 : 0;
        void* const block =
            alignment == 0 ? heap.allocate_zeroed(1, size) : heap.allocate_aligned(alignment, size);
        if (alignment == 0 && read_cookie(block, sizeof(std::uint64_t)) != 0) [[unlikely]]
            die_corrupt(block, size);
        touch(block, size, size ^ key_, alignment == 0 ? Touch::page : Touch::all);
        return block;
    }
    std::uint64_t free_block(Heap& heap, void* block) const {
        const std::uint64_t size = read_cookie(block, sizeof(std::uint64_t)) ^ key_;
        if (size < min_size_ || size > max_size_) [[unlikely]]
            die_corrupt(block, size);
        check(block, size, size ^ key_, Touch::page);
        heap.release(block, size);
        return mix64(size);
    }
    std::uint64_t empty(Heap& heap, void*& slot) const {
        if (slot == nullptr)
            return 0;
        const std::uint64_t found = free_block(heap, slot);
        slot = nullptr;
        return found;
    }

    Batch* make_batch(Heap& heap, std::size_t count, Place& place) const {
        Batch* const batch = new (heap.allocate(Batch::bytes(count))) Batch{nullptr, count};
        for (std::size_t i = 0; i < count; ++i)
            batch->blocks()[i] = make_block(heap, place.next(sizes_), i);
        return batch;
    }
    std::uint64_t free_batches(Heap& heap, Batch* batch) const {
        std::uint64_t sum = 0;
        while (batch != nullptr) {
            Batch* const next = batch->next;
            for (std::size_t i = 0; i < batch->count; ++i)
                sum += free_block(heap, batch->blocks()[i]);
            heap.release(batch, Batch::bytes(batch->count));
            batch = next;
        }
        return sum;
    }

    std::size_t slots_;
    std::uint32_t min_size_;
    std::uint32_t max_size_;
    std::uint64_t batch_;
    std::uint64_t loops_;
    std::uint64_t rounds_;
    std::size_t make_stride_;
    std::size_t free_stride_;
    std::uint64_t key_;
    Team team_;
    std::span<std::uint32_t> sizes_;
    std::span<Member> members_;
};

Cost cost(const Arguments& arguments) {
    const std::uint64_t threads = arguments.threads;
    const std::uint64_t min_size = count_of(arguments, "min_size");
    const std::uint64_t batch = count_of(arguments, "batch");
    const Made made = made_by_a_thread(arguments.threads, batch, count_of(arguments, "loops"));
    // A uniform factor (1/2) times one that falls off linearly (1/3).
    const std::uint64_t mean_size = min_size + (count_of(arguments, "max_size") - min_size) / 6 + 1;
    const std::uint64_t bytes =
        made.blocks * mean_size + made.batches * sizeof(Batch) + made.entries * sizeof(void*);
    // Batches pile up in front of a thread that does not run; most of the time a few are under way.
    const std::uint64_t live = (count_of(arguments, "slots") + 64 * batch) * mean_size;
    const std::uint64_t rounds = count_of(arguments, "rounds");
    return {.live_bytes = threads * std::min(live, bytes),
            .allocated_bytes = threads * (rounds + 1) * bytes,
            .operations = 2 * threads * rounds * (made.blocks + made.batches)};
}

} // namespace

constinit const WorkloadSpec rptest_spec = {
    .name = "rptestN",
    .summary =
        "slots refilled by stride with mixed sizes and alignments; every second batch goes to another thread",
    .citation = "Jansson, rpmalloc-benchmark; with mimalloc-bench",
    .parameters = parameters,
    .threaded = true,
    .micro = false,
    .cost = cost,
    .make = make_pattern<Rptest>,
    .check = check_sizes,
};

} // namespace faultline::synthetic
