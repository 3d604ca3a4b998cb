// mstressN: threads that come and go, make objects of mixed sizes, keep some, free others at random and swap
// some with each other through a shared array, half of which survives each round. Every word of every object
// is checked. After the description of mimalloc's stress test (Leijen, Zorn, de Moura, "Mimalloc: Free List
// Sharding in Action", APLAS 2019).
#include "workloads/engine/parameter.hpp"
#include "workloads/engine/team.hpp"
#include "workloads/synthetic/pattern.hpp"
#include "workloads/synthetic/specs.hpp"

#include <atomic>

namespace faultline::synthetic {

namespace {

using namespace engine;

constexpr Parameter parameters[] = {
    integer_parameter("scale", "50", 1, 100'000, "hundreds",
                      "of allocations a round in thread 0; more in others"),
    integer_parameter("rounds", "25", 1, 100'000, "rounds", "each with new threads"),
    integer_parameter("transfer", "1000", 1, 1 << 20, "objects", "in the array through which threads swap"),
};

constexpr unsigned retained_shift = 2; // retained objects have up to four times as many words

using Word = std::uint64_t;
using Slot = std::atomic<Word*>;

// What a thread does in one step, in this order. The choices are made before the clock; which object a swap
// brings in is up to scheduling.
struct Step {
    static constexpr std::uint32_t nothing = UINT32_MAX;
    std::uint32_t words;    // of the object it makes
    bool retained;          // keeps it to the end of the round
    std::uint32_t free;     // index of the local object it frees, or nothing
    std::uint32_t swap;     // index of the local one it swaps, or nothing
    std::uint32_t transfer; // with this one of the shared array
};

std::uint64_t local_objects(std::uint64_t scale, unsigned index) {
    return 100 * scale * (index % 8 + 1);
}
// A thread's table of local objects grows by so many entries; it is itself from the heap under test.
constexpr std::uint64_t table_step = 100'000;
std::uint64_t table_growths(std::uint64_t local) {
    return (local + table_step - 1) / table_step;
}
// Of a thread with so many local objects, half as many retained ones, and a table for each kind, in a round.
std::uint64_t operations_of(std::uint64_t local) {
    return 2 * (local + local / 2) + table_growths(local) + 3;
}

// The original's chances are one percent more than it says: it compares with "at most".
bool chance(Rng& random, unsigned percent) {
    return random.chance(percent + 1);
}

// 2^0 to 2^(shift-1) words; one in fifty is larger: mostly a hundred times, rarely a thousand or ten
// thousand.
std::uint32_t draw_words(Rng& random, unsigned shift) {
    std::uint32_t words = 1U << random.below(shift);
    if (chance(random, 1))
        words *= chance(random, 1) ? 10'000 : chance(random, 10) ? 1000 : 100;
    return words;
}

class Mstress final : public Pattern {
  public:
    explicit Mstress(const Arguments& arguments)
        : Pattern(arguments), scale_(count_of(arguments, "scale")), rounds_(count_of(arguments, "rounds")),
          transfer_count_(count_of(arguments, "transfer")), key_(mix64(arguments.seed)) {}

    Result<void> prepare() override {
        prepare_lanes(threads_, {Operation::malloc, Operation::realloc, Operation::free});
        transfer_ = arena_.array<Slot>(transfer_count_);
        survives_ = arena_.array<bool>(rounds_ * transfer_count_);
        Rng random(seed_, 0);
        for (bool& survives : survives_)
            survives = random.chance(50);
        for (std::size_t i = 0; i < transfer_count_; ++i)
            survives_[(rounds_ - 1) * transfer_count_ + i] = false; // nothing is left after the last round
        members_ = arena_.array<Member>(threads_);
        for (unsigned index = 0; index < threads_; ++index)
            prepare_member(members_[index], index);
        return {};
    }

    void warmup() override { run_round(rounds_ - 1); }
    void work() override {
        for (std::uint64_t round = 0; round < rounds_; ++round)
            run_round(round);
    }

    void drain() override {} // the last round has freed everything

    std::uint64_t operations() const override { return rounds_ * operations_a_round_; }

  private:
    struct Member {
        Mstress* owner = nullptr;
        unsigned index = 0;
        pthread_t thread{};
        std::span<const Step> stream;
        std::uint64_t local = 0; // objects
        std::uint64_t retained = 0;
    };

    void prepare_member(Member& member, unsigned index) {
        const std::uint64_t local = local_objects(scale_, index);
        const std::uint64_t retained = local / 2;
        const std::span<Step> stream = arena_.array<Step>(local + retained);
        Rng random(seed_, index + 1);
        std::uint64_t local_left = local;
        std::uint64_t retained_left = retained;
        std::uint64_t made = 0; // local slots in use: the stream's view, which does not see swaps
        for (Step& step : stream) {
            step.retained = retained_left > 0 && (local_left == 0 || chance(random, 50));
            step.words = draw_words(random, step.retained ? 5 + retained_shift : 5);
            --(step.retained ? retained_left : local_left);
            made += step.retained ? 0 : 1;
            const bool frees = chance(random, 66);
            const bool swaps = chance(random, 25);
            step.free = made > 0 && frees ? static_cast<std::uint32_t>(random.below(made)) : Step::nothing;
            step.swap = made > 0 && swaps ? static_cast<std::uint32_t>(random.below(made)) : Step::nothing;
            step.transfer = static_cast<std::uint32_t>(random.below(transfer_count_));
        }
        member = {this, index, {}, stream, local, retained};
        operations_a_round_ += operations_of(local);
    }

    void run_round(std::uint64_t round) {
        const std::span<Member> others = members_.subspan(1);
        for (Member& member : others)
            member.thread = start_thread(member_main, &member);
        member_main(&members_[0]); // the main thread does its share too
        for (const Member& member : others)
            join_thread(member.thread);
        in_lane(0, [&](Heap& heap, std::uint64_t& sum) {
            for (std::size_t i = 0; i < transfer_count_; ++i)
                if (!survives_[round * transfer_count_ + i])
                    sum += free_object(heap, transfer_[i].exchange(nullptr));
        });
    }

    static void* member_main(void* argument) {
        Member& member = *static_cast<Member*>(argument);
        member.owner->in_lane(member.index, [&](Heap& heap, std::uint64_t& sum) {
            member.owner->run_stream(member, heap, sum);
        });
        return nullptr;
    }

    void run_stream(const Member& member, Heap& heap, std::uint64_t& sum) {
        auto** const retained = static_cast<Word**>(heap.allocate(member.retained * sizeof(Word*)));
        Word** local = nullptr;
        std::size_t room = 0;
        std::size_t locals = 0;
        std::size_t kept = 0;
        for (const Step& step : member.stream) {
            if (!step.retained && locals == room) {
                const std::size_t larger = room + table_step;
                local = static_cast<Word**>(heap.resize(local, room * sizeof(Word*), larger * sizeof(Word*)));
                room = larger;
            }
            (step.retained ? retained[kept++] : local[locals++]) = make_object(heap, step.words);
            if (step.free != Step::nothing) {
                sum += free_object(heap, local[step.free]);
                local[step.free] = nullptr;
            }
            if (step.swap != Step::nothing)
                local[step.swap] = transfer_[step.transfer].exchange(local[step.swap]);
        }
        for (std::size_t i = 0; i < kept; ++i)
            sum += free_object(heap, retained[i]);
        for (std::size_t i = 0; i < locals; ++i)
            sum += free_object(heap, local[i]);
        heap.release(retained, member.retained * sizeof(Word*));
        heap.release(local, room * sizeof(Word*));
    }

    // Word i of an object of n words holds (n - i) ^ key, so that whoever frees it knows its size from the
    // first.
    Word* make_object(Heap& heap, std::size_t words) const {
        Word* object = static_cast<Word*>(heap.allocate(words * sizeof(Word)));
        for (std::size_t i = 0; i < words; ++i)
            object[i] = (words - i) ^ key_;
        return object;
    }
    std::uint64_t free_object(Heap& heap, Word* object) const {
        if (object == nullptr)
            return 0;
        const std::uint64_t words = object[0] ^ key_;
        for (std::size_t i = 0; i < words; ++i)
            if ((object[i] ^ key_) != words - i) [[unlikely]]
                die_corrupt(object, words * sizeof(Word));
        heap.release(object, words * sizeof(Word));
        return mix64(words);
    }

    std::uint64_t scale_;
    std::uint64_t rounds_;
    std::size_t transfer_count_;
    Word key_;
    std::uint64_t operations_a_round_ = 0;
    std::span<Slot> transfer_;
    std::span<bool> survives_; // by round, then slot of the transfer array
    std::span<Member> members_;
};

Cost cost(const Arguments& arguments) {
    std::uint64_t bytes = 0;
    std::uint64_t operations = 0;
    // The mean of draw_words(): 6.2 words of a local object and 18.1 of a retained one before the rare large
    // ones, 2 % of which are 0.98 * (0.11 * 1000 + 0.89 * 100) + 0.02 * 10000 times as large.
    constexpr std::uint64_t mean_bytes = 8 * (2 * 6.2 + 18.1) / 3 * (0.98 + 0.02 * 395) + 1;
    for (unsigned index = 0; index < arguments.threads; ++index) {
        const std::uint64_t local = local_objects(count_of(arguments, "scale"), index);
        bytes += local * 3 / 2 * mean_bytes + (table_growths(local) * table_step + local / 2) * sizeof(Word*);
        operations += operations_of(local);
    }
    return {.live_bytes = bytes, // were nothing freed before the round's end
            .allocated_bytes = (count_of(arguments, "rounds") + 1) * bytes,
            .operations = count_of(arguments, "rounds") * operations};
}

} // namespace

constinit const WorkloadSpec mstress_spec = {
    .name = "mstressN",
    .summary =
        "threads made anew each round, objects of mixed sizes swapped between them, every word checked",
    .citation = "mimalloc test/test-stress.c; Leijen, Zorn, de Moura, Mimalloc, APLAS 2019",
    .parameters = parameters,
    .threaded = true,
    .micro = false,
    .cost = cost,
    .make = make_pattern<Mstress>,
};

} // namespace faultline::synthetic
