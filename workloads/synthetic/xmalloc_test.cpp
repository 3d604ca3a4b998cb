// xmalloc-testN: N threads only allocate, N others only free what those made: the worst case of a cache for
// each thread. Blocks travel in batches through one shared stack of bounded depth; a batch is itself a block
// of the heap. Lever and Boreham, "malloc() Performance in a Multithreaded Linux Environment", USENIX 2000
// (FREENIX).
#include "workloads/engine/parameter.hpp"
#include "workloads/engine/team.hpp"
#include "workloads/engine/touch.hpp"
#include "workloads/synthetic/pattern.hpp"
#include "workloads/synthetic/specs.hpp"

#include <condition_variable>
#include <mutex>

namespace faultline::synthetic {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    integer_parameter("size", "64", 1, 1 << 20, "bytes", "of a block"),
    integer_parameter("batch", "4096", 1, 1 << 20, "blocks", "handed over at once"),
    integer_parameter("depth", "100", 1, 1 << 20, "batches", "waiting at most"),
    integer_parameter("operations", "400", 1, 1 << 24, "batches", "made by each of the N producers"),
    choice_parameter("touch", "all", touch_choices, "what is written"),
};

// In the heap under test, followed by the blocks.
struct Batch {
    Batch* next;
    std::uint64_t cookie; // of its first block
    void** blocks() { return reinterpret_cast<void**>(this + 1); }
};

constexpr std::size_t bytes_of_batch(std::size_t blocks) {
    return sizeof(Batch) + blocks * sizeof(void*);
}

class Handover {
  public:
    void expect(unsigned producers, std::size_t depth) {
        producers_ = producers;
        room_ = depth;
    }
    void push(Batch* batch) {
        std::unique_lock lock(mutex_);
        not_full_.wait(lock, [&] { return room_ > 0; });
        --room_;
        batch->next = top_;
        top_ = batch;
        lock.unlock();
        not_empty_.notify_one();
    }
    // nullptr: all producers have finished, and all that they made has been taken.
    Batch* pop() {
        std::unique_lock lock(mutex_);
        not_empty_.wait(lock, [&] { return top_ != nullptr || producers_ == 0; });
        Batch* batch = top_;
        if (batch == nullptr)
            return nullptr;
        top_ = batch->next;
        ++room_;
        lock.unlock();
        not_full_.notify_one();
        return batch;
    }
    void finish_one() {
        const std::lock_guard lock(mutex_);
        if (--producers_ == 0)
            not_empty_.notify_all();
    }

  private:
    std::mutex mutex_;
    std::condition_variable not_empty_;
    std::condition_variable not_full_;
    Batch* top_ = nullptr;
    std::size_t room_ = 0;
    unsigned producers_ = 0;
};

class XmallocTest final : public Pattern {
  public:
    explicit XmallocTest(const Arguments& arguments)
        : Pattern(arguments), size_(count_of(arguments, "size")), batch_(count_of(arguments, "batch")),
          depth_(count_of(arguments, "depth")), batches_(count_of(arguments, "operations")),
          touch_(touch_from(arguments.text("touch"))) {}

    Result<void> prepare() override {
        prepare_lanes(2 * threads_, {Operation::malloc, Operation::remote_free});
        team_.prepare(arena_, 2 * threads_);
        return {};
    }
    void warmup() override {
        team_.start();
        hand_over(1);
    }
    void work() override { hand_over(batches_); }
    void drain() override { team_.join(); }
    std::uint64_t operations() const override { return 2 * threads_ * batches_ * (batch_ + 1); }

  private:
    void hand_over(std::uint64_t batches) {
        handover_.expect(threads_, depth_);
        team_.run([&](unsigned index) {
            in_lane(index, [&](Heap& heap, std::uint64_t& sum) {
                if (index < threads_) {
                    for (std::uint64_t number = 0; number < batches; ++number)
                        handover_.push(make_batch(heap, mix64(seed_ + number * threads_ + index)));
                    handover_.finish_one();
                } else {
                    while (Batch* batch = handover_.pop())
                        sum += free_batch(heap, batch);
                }
            });
        });
    }

    Batch* make_batch(Heap& heap, std::uint64_t cookie) const {
        Batch* batch = new (heap.allocate(bytes_of_batch(batch_))) Batch{nullptr, cookie};
        void** const blocks = batch->blocks();
        for (std::size_t i = 0; i < batch_; ++i) {
            blocks[i] = heap.allocate(size_);
            touch(blocks[i], size_, cookie + i, touch_);
        }
        return batch;
    }
    std::uint64_t free_batch(Heap& heap, Batch* batch) const {
        std::uint64_t sum = batch->cookie;
        void** const blocks = batch->blocks();
        for (std::size_t i = 0; i < batch_; ++i) {
            sum += check(blocks[i], size_, batch->cookie + i, touch_);
            heap.release(blocks[i], size_, Operation::remote_free);
        }
        heap.release(batch, bytes_of_batch(batch_), Operation::remote_free);
        return sum;
    }

    std::size_t size_;
    std::size_t batch_;
    std::size_t depth_;
    std::uint64_t batches_;
    Touch touch_;
    Team team_;
    Handover handover_;
};

Cost cost(const Arguments& arguments) {
    const std::uint64_t blocks = count_of(arguments, "batch");
    const std::uint64_t batches = arguments.threads * count_of(arguments, "operations");
    const std::uint64_t batch_bytes = bytes_of_batch(blocks) + blocks * count_of(arguments, "size");
    const std::uint64_t most = std::min(batches, count_of(arguments, "depth") + 2 * arguments.threads);
    return {.live_bytes = most * batch_bytes,
            .allocated_bytes = (batches + arguments.threads) * batch_bytes,
            .operations = 2 * batches * (blocks + 1)};
}

} // namespace

constinit const WorkloadSpec xmalloc_test_spec = {
    .name = "xmalloc-testN",
    .summary = "N producers allocate 64 B blocks, N consumers free them: every free is foreign",
    .citation = "Lever and Boreham, malloc() Performance in a Multithreaded Linux Environment, USENIX 2000",
    .parameters = parameters,
    .threaded = true,
    .micro = false,
    .cost = cost,
    .make = make_pattern<XmallocTest>,
};

} // namespace faultline::synthetic
