#include "workloads/stress/random/shrink.hpp"

#include "workloads/engine/clock.hpp"

#include <algorithm>
#include <vector>

namespace faultline::stress {
namespace {

class Shrinker {
  public:
    Shrinker(KeptPlan kept, const std::function<bool(const KeptPlan&)>& fails, const ShrinkLimits& limits)
        : best_(std::move(kept)), fails_(fails), limits_(limits),
          deadline_(engine::monotonic_ns() + limits.seconds * 1'000'000'000ULL) {}

    Shrunk run() {
        one_thread(); // where it still fails, every later try is cheaper
        without_lives();
        one_thread();
        for (std::size_t before = 0; before != best_.steps.size() && !is_over();) {
            before = best_.steps.size();
            without_reallocs();
            without_lives();
        }
        smaller_sizes();
        return {std::move(best_), tries_};
    }

  private:
    bool is_over() const { return tries_ >= limits_.tries || engine::monotonic_ns() > deadline_; }

    bool keep_if_it_fails(KeptPlan candidate) {
        if (is_over()) {
            return false;
        }
        ++tries_;
        if (!fails_(candidate)) {
            return false;
        }
        best_ = std::move(candidate);
        return true;
    }

    // A life: all steps of a block and of what realloc made of it; a fork is one of its own. For each step its number.
    std::vector<std::size_t> lives(std::size_t& count) const {
        std::vector<std::size_t> of_block(best_.blocks + 1U);
        std::vector<std::size_t> of_step;
        count = 0;
        for (const Step& step : best_.steps) {
            std::size_t life = 0;
            if (const std::uint32_t given = step.given_up()) {
                life = of_block[given];
            } else {
                life = count++;
            }
            if (step.makes()) {
                of_block[step.block] = life;
            }
            of_step.push_back(life);
        }
        return of_step;
    }

    KeptPlan without(const std::vector<std::size_t>& life_of_step, const std::vector<bool>& removed) const {
        KeptPlan smaller = best_;
        smaller.steps.clear();
        for (std::size_t i = 0; i < best_.steps.size(); ++i) {
            if (!removed[life_of_step[i]]) {
                smaller.steps.push_back(best_.steps[i]);
            }
        }
        return smaller;
    }

    // ddmin: tries to leave out each of n chunks, in halves at first and one life at a time at last.
    void without_lives() {
        std::size_t count = 0;
        std::vector<std::size_t> life_of_step = lives(count);
        std::size_t chunks = 2;
        while (count > 1 && !is_over()) {
            const std::size_t length = (count + chunks - 1) / chunks;
            bool removed_one = false;
            for (std::size_t begin = 0; begin < count && !is_over(); begin += length) {
                std::vector<bool> removed(count);
                std::fill(removed.begin() + static_cast<std::ptrdiff_t>(begin),
                          removed.begin() + static_cast<std::ptrdiff_t>(std::min(count, begin + length)),
                          true);
                if (keep_if_it_fails(without(life_of_step, removed))) {
                    life_of_step = lives(count);
                    begin -= length; // what follows has moved here
                    removed_one = true;
                }
            }
            if (length == 1 && !removed_one) {
                return;
            }
            chunks = std::min(count, removed_one ? std::max<std::size_t>(chunks - 1, 2) : chunks * 2);
        }
    }

    void one_thread() {
        KeptPlan candidate = best_;
        for (Step& step : candidate.steps) {
            step.thread = 0;
        }
        candidate.threads = candidate.lanes = 1;
        if (best_.threads > 1) {
            keep_if_it_fails(std::move(candidate));
        }
    }

    // Leaves out a realloc: what follows uses the block before it.
    void without_reallocs() {
        for (std::size_t at = best_.steps.size(); at-- > 0 && !is_over();) {
            if (at >= best_.steps.size() || best_.steps[at].op != trace::Op::realloc_to ||
                best_.steps[at].old == 0) {
                continue;
            }
            const Step dropped = best_.steps[at];
            KeptPlan candidate = best_;
            candidate.steps.erase(candidate.steps.begin() + static_cast<std::ptrdiff_t>(at));
            for (Step& step : candidate.steps) {
                if (step.given_up() == dropped.block) {
                    (step.op == trace::Op::realloc_to ? step.old : step.block) = dropped.old;
                }
            }
            keep_if_it_fails(std::move(candidate));
        }
    }

    // Rounds sizes down to a power of two where that does no harm: what is left odd is odd for a reason.
    void smaller_sizes() {
        for (std::size_t at = 0; at < best_.steps.size() && !is_over(); ++at) {
            const Step& step = best_.steps[at];
            if (!step.makes() || step.size <= 1 || trace::has_extra(step.op) ||
                (step.size & (step.size - 1)) == 0) {
                continue;
            }
            KeptPlan candidate = best_;
            std::uint64_t& size = candidate.steps[at].size;
            while ((size & (size - 1)) != 0) {
                size &= size - 1;
            }
            keep_if_it_fails(std::move(candidate));
        }
    }

    KeptPlan best_;
    const std::function<bool(const KeptPlan&)>& fails_;
    ShrinkLimits limits_;
    std::uint64_t deadline_;
    unsigned tries_ = 0;
};

} // namespace

Shrunk shrink(KeptPlan kept, const std::function<bool(const KeptPlan&)>& fails, const ShrinkLimits& limits) {
    return Shrinker(std::move(kept), fails, limits).run();
}

} // namespace faultline::stress
