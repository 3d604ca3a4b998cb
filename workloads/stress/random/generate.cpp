#include "workloads/stress/random/generate.hpp"

#include <algorithm>

namespace faultline::stress {
namespace {

using engine::Rng;
using trace::Op;

constexpr std::uint64_t most_live_bytes = std::uint64_t{128} << 20;
// Of an episode in all: what is beyond is asked for in small pieces, so that no episode spends its time in page faults.
constexpr std::uint64_t most_asked_bytes = std::uint64_t{384} << 20;
constexpr std::uint64_t small_bytes = 1024;

// 1 to 2^bits, each doubling as likely as the next.
std::uint64_t log_uniform(Rng& rng, unsigned bits) {
    return (std::uint64_t{1} << rng.below(bits)) + rng.below(std::uint64_t{1} << rng.below(bits));
}

enum class Sizes { small, medium, wide, edges, one };

// What sets an episode apart from others.
struct Character {
    Sizes sizes;
    std::uint64_t one_size;
    unsigned size_bits;
    unsigned realloc_percent;
    unsigned calloc_percent;
    unsigned aligned_percent;
    unsigned cxx_percent;
    unsigned foreign_percent; // of releases: of any thread's block
    std::size_t steps;
    std::size_t live_target;
    unsigned burst;
    std::uint32_t lanes;
    std::uint32_t threads;
    unsigned forks;

    explicit Character(Rng& rng) {
        sizes = static_cast<Sizes>(rng.below(5));
        one_size = log_uniform(rng, 12);
        size_bits = sizes == Sizes::small ? 9 : sizes == Sizes::medium ? 15 : 21;
        realloc_percent = static_cast<unsigned>(rng.chance(50) ? rng.below(10) : rng.below(40));
        calloc_percent = static_cast<unsigned>(rng.below(30));
        aligned_percent = static_cast<unsigned>(rng.chance(50) ? rng.below(5) : rng.below(40));
        cxx_percent = static_cast<unsigned>(rng.below(60));
        foreign_percent = static_cast<unsigned>(rng.chance(30) ? 0 : rng.below(70));
        steps = std::size_t{1} << rng.between(11, 15);
        live_target = std::size_t{1} << rng.between(3, 12);
        burst = 1U << rng.below(9);
        lanes = static_cast<std::uint32_t>(rng.chance(15) ? 1 : rng.between(2, most_lanes));
        threads = lanes;
        if (rng.chance(50)) {
            threads =
                std::min<std::uint32_t>(most_threads, lanes * static_cast<std::uint32_t>(rng.between(2, 6)));
        }
        forks = static_cast<unsigned>(rng.chance(35) ? rng.between(1, 4) : 0);
    }

    std::uint64_t size(Rng& rng) const {
        if (rng.below(512) == 0) {
            return 0;
        }
        switch (sizes) {
        case Sizes::one:
            return one_size;
        case Sizes::edges: {
            const std::uint64_t edge = std::uint64_t{1} << rng.between(4, 17);
            return edge + rng.below(33) - 16;
        }
        case Sizes::wide:
            if (rng.below(2048) == 0) {
                return log_uniform(rng, 24);
            }
            break;
        default:
            break;
        }
        return log_uniform(rng, size_bits);
    }
};

class Generator {
  public:
    Generator(std::uint64_t seed, std::uint64_t episode, bool with_forks, std::span<Step> room,
              std::span<std::uint32_t> live)
        : rng_(seed, episode), character_(rng_), steps_(room), live_(live) {
        if (!with_forks) {
            character_.forks = 0;
        }
    }

    Plan make() {
        const std::size_t steps = character_.steps;
        const std::size_t successions =
            character_.threads - character_.lanes; // ends of threads that others follow
        std::size_t forks_left = character_.forks;
        std::uint32_t thread = 0;
        std::size_t burst = 0;
        while (made_ < steps) {
            while (first_ < successions && made_ >= (first_ + 1) * steps / (successions + 1)) {
                ++first_; // the oldest thread has ended
            }
            if (burst == 0 || thread < first_) {
                burst = 1 + rng_.below(character_.burst);
                thread = first_ + static_cast<std::uint32_t>(rng_.below(character_.lanes));
            }
            --burst;
            if (forks_left > 0 && rng_.below(steps) < character_.forks) {
                --forks_left;
                add({.thread = static_cast<std::uint16_t>(thread), .op = op_fork});
                continue;
            }
            one(thread);
        }
        while (live_count_ > 0) {
            give_up(first_ + static_cast<std::uint32_t>(rng_.below(character_.lanes)),
                    rng_.below(live_count_));
        }
        return {steps_.first(made_), blocks_, character_.threads, character_.lanes};
    }

  private:
    void add(const Step& step) { steps_[made_++] = step; }
    const Step& maker(std::size_t at) const { return steps_[live_[at]]; }

    // Out of the list of the living; the last takes its place.
    void forget(std::size_t at) {
        live_bytes_ -= maker(at).size;
        live_[at] = live_[--live_count_];
    }
    void remember() {
        live_[live_count_++] = static_cast<std::uint32_t>(made_ - 1);
        live_bytes_ += steps_[made_ - 1].size;
        asked_bytes_ += steps_[made_ - 1].size;
    }

    void give_up(std::uint32_t thread, std::size_t at) {
        const Step& made = maker(at);
        const Op op = made.op == Op::op_new           ? Op::op_delete
                      : made.op == Op::op_new_aligned ? Op::op_delete_aligned
                                                      : Op::free;
        const std::uint64_t alignment = op == Op::op_delete_aligned ? made.extra : 0;
        const std::uint32_t block = made.block;
        forget(at);
        add({.extra = alignment, .block = block, .thread = static_cast<std::uint16_t>(thread), .op = op});
    }

    // A living block for this thread: any, or one of its own if there is one nearby, young or old.
    std::size_t choose(std::uint32_t thread) {
        std::size_t at = rng_.below(live_count_);
        if (rng_.chance(character_.foreign_percent)) {
            return at;
        }
        if (rng_.chance(50)) {
            at = live_count_ - 1;
        }
        for (std::size_t tried = 0; tried < 16 && maker(at).thread != thread; ++tried) {
            at = at == 0 ? live_count_ - 1 : at - 1;
        }
        return at;
    }

    void one(std::uint32_t thread) {
        const bool is_full = live_count_ >= 2 * character_.live_target || live_bytes_ > most_live_bytes;
        const bool grows =
            live_count_ == 0 || (!is_full && rng_.below(2 * character_.live_target) >= live_count_);
        std::uint64_t size = character_.size(rng_);
        if (asked_bytes_ > most_asked_bytes) {
            size %= small_bytes;
        }
        if (!grows) {
            give_up(thread, choose(thread));
        } else if (live_count_ > 0 && rng_.chance(character_.realloc_percent)) {
            resize(thread, choose(thread), size);
        } else {
            allocate(static_cast<std::uint16_t>(thread), size);
        }
    }

    void resize(std::uint32_t thread, std::size_t at, std::uint64_t size) {
        const Step& made = maker(at);
        if (made.op == Op::op_new || made.op == Op::op_new_aligned) {
            give_up(thread, at); // what came from new is never given to realloc
            return;
        }
        if (rng_.chance(40) &&
            asked_bytes_ <= most_asked_bytes) { // by a little: within the block's room, or just beyond
            size = made.size + rng_.below(made.size / 4 + 16);
        }
        const std::uint32_t old = made.block;
        forget(at);
        add({.size = std::max<std::uint64_t>(size, 1),
             .block = ++blocks_,
             .old = old,
             .thread = static_cast<std::uint16_t>(thread),
             .op = Op::realloc_to});
        remember();
    }

    void allocate(std::uint16_t thread, std::uint64_t size) {
        Step step{.size = size, .block = ++blocks_, .thread = thread};
        const bool is_cxx = rng_.chance(character_.cxx_percent);
        if (rng_.chance(character_.aligned_percent)) {
            static constexpr Op ways[] = {Op::memalign, Op::aligned_alloc, Op::posix_memalign};
            step.size = std::max<std::uint64_t>(size, 1); // of no bytes: nobody says what alignment is then
            step.op = is_cxx ? Op::op_new_aligned : ways[rng_.below(3)];
            step.extra = std::uint64_t{8} << (rng_.chance(90) ? rng_.below(10) : rng_.below(14));
            if (step.op == Op::aligned_alloc) { // C11 asked for a multiple, and some allocators still do
                step.size = (step.size + step.extra - 1) & ~(step.extra - 1);
            }
        } else if (rng_.chance(character_.calloc_percent)) {
            step.op = Op::calloc;
            step.extra = std::uint64_t{1} << rng_.below(5);
            step.size = size / step.extra * step.extra;
        } else if (is_cxx) {
            step.op = Op::op_new;
        } else if (rng_.below(64) == 0 && size > 0) {
            step.op = Op::realloc_to; // of NULL
        }
        add(step);
        remember();
    }

    Rng rng_;
    Character character_;
    std::span<Step> steps_;
    std::span<std::uint32_t> live_; // steps that made the living blocks
    std::size_t made_ = 0;
    std::size_t live_count_ = 0;
    std::uint64_t live_bytes_ = 0;
    std::uint64_t asked_bytes_ = 0;
    std::uint32_t blocks_ = 0;
    std::uint32_t first_ = 0; // the oldest thread that has not ended
};

} // namespace

Plan generate(std::uint64_t seed, std::uint64_t episode, bool with_forks, std::span<Step> room,
              std::span<std::uint32_t> live) {
    return Generator(seed, episode, with_forks, room, live).make();
}

} // namespace faultline::stress
