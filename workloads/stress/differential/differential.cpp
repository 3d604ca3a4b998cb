#include "workloads/stress/differential/differential.hpp"

#include "workloads/engine/arena.hpp"
#include "workloads/stress/blocks.hpp"
#include "workloads/stress/random/calls.hpp"
#include "workloads/stress/random/generate.hpp"
#include "workloads/stress/random/pattern.hpp"
#include "workloads/stress/random/plan_file.hpp"
#include "workloads/stress/voice.hpp"

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdlib>
#include <cstring>
#include <malloc.h>

namespace faultline::stress {
namespace {

constexpr std::uint64_t episodes = 6;
constexpr std::size_t refused_every = 40; // steps
constexpr std::size_t most_read_bytes = 64 << 10;

class Course {
  public:
    Course(const Calls& calls, std::uint32_t blocks, std::uint64_t seed, Pulse& pulse)
        : calls_(calls), living_(arena_.array<Living>(blocks + 1)), rng_(seed), pulse_(pulse) {}

    void follow(const Plan& plan) {
        for (const Step& step : plan.steps) {
            if (step.op == op_fork) {
                continue;
            }
            if (++steps_ % refused_every == 0) {
                refused();
            }
            one(step);
            pulse_.progress.fetch_add(1, std::memory_order_relaxed);
        }
        for (Living& living : living_) { // what a trace leaves behind
            give_up(living);
        }
    }

    void say() const {
        digest("blocks=%016" PRIx64 " alignment=%016" PRIx64 " contents=%016" PRIx64 " errno=%016" PRIx64
               " refused=%016" PRIx64,
               numbers_[blocks], numbers_[alignment], numbers_[contents], numbers_[errors],
               numbers_[refusals]);
        figure("steps", steps_);
    }

  private:
    struct Living {
        void* at = nullptr;
        Step maker;
    };

    // What was seen, apart by its kind, so that a difference says where to look.
    enum Kind { blocks, alignment, contents, errors, refusals, kinds };

    void fold(Kind kind, std::uint64_t value) {
        numbers_[kind] = engine::mix64(numbers_[kind] ^ value) + engine::golden_gamma;
    }

    // What is in a block: all of it, or its ends.
    void read(const void* block, std::size_t bytes) {
        const auto* at = static_cast<const unsigned char*>(block);
        const std::size_t part = std::min(bytes, most_read_bytes);
        for (const unsigned char* from : {at, at + bytes - part}) {
            std::uint64_t sum = 0;
            for (std::size_t i = 0; i < part; ++i) {
                sum = sum * 31 + from[i];
            }
            fold(contents, sum);
        }
    }

    // False when there is no block.
    bool look_at(const void* block, const Step& step) {
        fold(blocks, block != nullptr ? 1 : 0);
        if (block == nullptr) {
            fold(errors, static_cast<std::uint64_t>(errno));
            return false;
        }
        fold(alignment, reinterpret_cast<std::uintptr_t>(block) % alignment_of(step));
        return true;
    }

    void keep(Living& living, void* block, const Step& step) {
        living = {block, step};
        write_whole(block, step.size, nature_of(step.block));
    }

    // Every byte, since every byte is read.
    static void write_whole(void* block, std::size_t bytes, std::uint64_t key) {
        std::memset(block, static_cast<int>(key & 0xff), bytes);
        write_pattern_of(block, bytes, key);
    }

    void give_up(Living& living) {
        if (living.at == nullptr) {
            return;
        }
        read(living.at, living.maker.size);
        errno = 0;
        calls_.release(living.at, living.maker);
        fold(errors, static_cast<std::uint64_t>(errno));
        living.at = nullptr;
    }

    void one(const Step& step) {
        if (!step.makes()) {
            give_up(living_[step.block]);
            return;
        }
        errno = 0;
        if (step.op != trace::Op::realloc_to) {
            void* block = calls_.allocate(step);
            if (look_at(block, step)) {
                if (step.op == trace::Op::calloc) {
                    read(block, step.size);
                }
                keep(living_[step.block], block, step);
            }
            return;
        }
        Living& old = living_[step.old]; // the first entry is nobody's: realloc of NULL
        void* block = calls_.reallocate(old.at, step);
        if (look_at(block, step)) {
            read(block, old.at != nullptr ? std::min(old.maker.size, step.size) : 0);
            old.at = nullptr;
            keep(living_[step.block], block, step);
        }
    }

    // A call that cannot be granted: NULL and what errno says, and nothing else changed.
    void refused() {
        const std::size_t enormous = opaque(static_cast<std::size_t>(PTRDIFF_MAX) + 1 + rng_.below(1 << 20));
        void* aligned = nullptr; // what a refusal leaves here is not said
        errno = 0;
        void* block = nullptr;
        int error = 0;
        switch (rng_.below(5)) {
        case 0:
            block = std::malloc(enormous);
            break;
        case 1:
            block = std::calloc(enormous / 4, opaque(std::size_t{16}));
            break;
        case 2: {
            void* small = std::malloc(100);
            std::memset(small, 77, 100);
            errno = 0;
            block = std::realloc(small, enormous);
            const int said = errno;
            read(block == nullptr ? small : block, 100);
            std::free(block == nullptr ? small : block);
            errno = said;
            break;
        }
        case 3:
            error = ::posix_memalign(&aligned, 64, enormous);
            break;
        default:
            error = ::posix_memalign(&aligned, opaque(std::size_t{24}), 100);
            break;
        }
        fold(refusals, block != nullptr ? 1 : 0);
        fold(refusals, static_cast<std::uint64_t>(error != 0 ? error : errno));
    }

    const Calls calls_;
    engine::Arena arena_;
    std::span<Living> living_;
    engine::Rng rng_;
    Pulse& pulse_;
    std::uint64_t numbers_[kinds] = {};
    std::uint64_t steps_ = 0;
};

} // namespace

void run_differential(const OrdealOptions& options, Pulse& pulse, int plan_fd) {
    const Calls calls = process_calls();
    if (plan_fd >= 0) {
        const MappedPlan mapped = map_plan_file(plan_fd);
        Course course(calls, mapped.plan.blocks, mapped.seed, pulse);
        course.follow(mapped.plan);
        course.say();
        return;
    }
    engine::Arena arena;
    const auto room = arena.array<Step>(most_steps);
    const auto live = arena.array<std::uint32_t>(most_steps);
    Course course(calls, most_steps, options.seed, pulse);
    for (std::uint64_t episode = 0; episode < episodes; ++episode) {
        pulse.episode = episode;
        course.follow(generate(options.seed, episode, false, room, live));
    }
    course.say();
}

} // namespace faultline::stress
