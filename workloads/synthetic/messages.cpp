// ringN, producer-consumerN: blocks that travel one by one from the thread that makes them to the thread that frees them,
// through bounded queues. In the ring every thread does both, as actors do; between producers and consumers memory flows one
// way, and `depth` says how much of it is under way.
#include "workloads/engine/parameter.hpp"
#include "workloads/engine/team.hpp"
#include "workloads/engine/touch.hpp"
#include "workloads/synthetic/pattern.hpp"
#include "workloads/synthetic/specs.hpp"
#include "workloads/synthetic/spsc_queue.hpp"

#include <sched.h>

namespace faultline::synthetic {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    integer_parameter("min_size", "16", 8, 1 << 24, "bytes", "smallest block"),
    integer_parameter("max_size", "1024", 8, 1 << 24, "bytes",
                      "largest block; sizes are uniform between the two"),
    integer_parameter("depth", "256", 1, 1 << 20, "blocks", "under way in a queue, at most"),
    integer_parameter("operations", "2000000", 1, std::int64_t{1} << 34, "blocks",
                      "made in all, shared out over the threads that make them"),
    choice_parameter("touch", "all", touch_choices, "what is written"),
};

constexpr std::size_t drawn_sizes = 1 << 16; // used round and round

struct Message {
    void* block;
    std::uint64_t number; // of its maker, from 0: size and cookie follow from it
};

class Messages : public Pattern {
  public:
    explicit Messages(const Arguments& arguments, unsigned members)
        : Pattern(arguments), members_(members), min_size_(count_of(arguments, "min_size")),
          max_size_(count_of(arguments, "max_size")), depth_(count_of(arguments, "depth")),
          messages_(std::max<std::uint64_t>(count_of(arguments, "operations") / arguments.threads, 1)),
          touch_(touch_from(arguments.text("touch"))) {}

    Result<void> prepare() final {
        prepare_lanes(members_, {Operation::malloc, Operation::free, Operation::remote_free});
        team_.prepare(arena_, members_);
        queues_ = arena_.array<SpscQueue<Message>>(threads_);
        for (SpscQueue<Message>& queue : queues_)
            queue.prepare(arena_, depth_);
        sizes_ = arena_.array<std::uint32_t>(drawn_sizes);
        Rng random(seed_);
        for (std::uint32_t& size : sizes_)
            size = static_cast<std::uint32_t>(random.between(min_size_, max_size_));
        return {};
    }
    void warmup() final {
        team_.start();
        run(std::min<std::uint64_t>(messages_, 2 * depth_));
    }
    void work() final { run(messages_); }
    void drain() final { team_.join(); }
    std::uint64_t operations() const final { return 2 * threads_ * messages_; }

  protected:
    virtual void run(std::uint64_t messages) = 0;

    std::size_t size_of(std::uint64_t number) const { return sizes_[number % drawn_sizes]; }
    std::uint64_t cookie_of(std::uint64_t number) const { return seed_ + number * golden_gamma; }

    Message make(Heap& heap, std::uint64_t number) const {
        const std::size_t size = size_of(number);
        void* const block = heap.allocate(size);
        touch(block, size, cookie_of(number), touch_);
        return {block, number};
    }
    std::uint64_t release(Heap& heap, const Message& message) const {
        const std::size_t size = size_of(message.number);
        const std::uint64_t found = check(message.block, size, cookie_of(message.number), touch_);
        heap.release(message.block, size, members_ > 1 ? Operation::remote_free : Operation::free);
        return found;
    }

    unsigned members_;
    std::uint64_t min_size_;
    std::uint64_t max_size_;
    std::size_t depth_;
    std::uint64_t messages_; // of each thread that makes them
    Touch touch_;
    Team team_;
    std::span<SpscQueue<Message>> queues_;
    std::span<std::uint32_t> sizes_;
};

// Queue i leads into thread i.
class Ring final : public Messages {
  public:
    explicit Ring(const Arguments& arguments) : Messages(arguments, arguments.threads) {}

  private:
    void run(std::uint64_t messages) override {
        team_.run([&](unsigned index) {
            in_lane(index, [&](Heap& heap, std::uint64_t& sum) {
                SpscQueue<Message>& in = queues_[index];
                SpscQueue<Message>& out = queues_[(index + 1) % threads_];
                Message made{};
                std::uint64_t sent = 0;
                std::uint64_t received = 0;
                while (sent < messages || received < messages) {
                    const std::uint64_t before = sent + received;
                    if (made.block == nullptr && sent < messages)
                        made = make(heap, sent);
                    if (made.block != nullptr && out.push(made)) {
                        made.block = nullptr;
                        ++sent;
                    }
                    Message arrived;
                    if (in.pop(arrived)) {
                        sum += release(heap, arrived);
                        ++received;
                    }
                    if (sent + received == before)
                        sched_yield(); // the neighbours have to run first
                }
            });
        });
    }
};

// Thread i makes, thread N + i frees.
class ProducerConsumer final : public Messages {
  public:
    explicit ProducerConsumer(const Arguments& arguments) : Messages(arguments, 2 * arguments.threads) {}

  private:
    void run(std::uint64_t messages) override {
        team_.run([&](unsigned index) {
            in_lane(index, [&](Heap& heap, std::uint64_t& sum) {
                SpscQueue<Message>& queue = queues_[index % threads_];
                for (std::uint64_t number = 0; number < messages; ++number) {
                    if (index < threads_) {
                        const Message message = make(heap, number);
                        while (!queue.push(message))
                            sched_yield();
                    } else {
                        Message message;
                        while (!queue.pop(message))
                            sched_yield();
                        sum += release(heap, message);
                    }
                }
            });
        });
    }
};

Cost cost(const Arguments& arguments) {
    const std::uint64_t threads = arguments.threads;
    const std::uint64_t max_size = count_of(arguments, "max_size");
    const std::uint64_t mean_size = (count_of(arguments, "min_size") + max_size) / 2 + 1;
    const std::uint64_t messages = std::max<std::uint64_t>(count_of(arguments, "operations") / threads, 1);
    const std::uint64_t depth = count_of(arguments, "depth");
    return {.live_bytes = threads * std::min(messages, depth + 2) * max_size,
            .allocated_bytes = threads * (messages + std::min(messages, 2 * depth)) * mean_size,
            .operations = 2 * threads * messages};
}

} // namespace

constinit const WorkloadSpec ring_spec = {
    .name = "ringN",
    .summary = "N threads in a ring: each makes messages for the next one and frees those of the one before",
    .citation = "message passing as in snmalloc src/test/perf/msgpass; Lietar et al., snmalloc, ISMM 2019",
    .parameters = parameters,
    .threaded = true,
    .micro = false,
    .cost = cost,
    .make = make_pattern<Ring>,
    .check = check_sizes,
};

constinit const WorkloadSpec producer_consumer_spec = {
    .name = "producer-consumerN",
    .summary =
        "N pairs of threads: one makes blocks, the other frees them, at most `depth` of them under way",
    .citation =
        "the producer and consumer of Lietar et al., snmalloc, ISMM 2019; as xmalloc-test, block by block",
    .parameters = parameters,
    .threaded = true,
    .micro = false,
    .cost = cost,
    .make = make_pattern<ProducerConsumer>,
    .check = check_sizes,
};

} // namespace faultline::synthetic
