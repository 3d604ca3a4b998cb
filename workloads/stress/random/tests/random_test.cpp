// The parts of random operations that need no allocator under test.
#include "workloads/stress/random/drift.hpp"
#include "workloads/stress/random/generate.hpp"
#include "workloads/stress/random/leak_watch.hpp"
#include "workloads/stress/random/live_index.hpp"
#include "workloads/stress/random/pattern.hpp"
#include "workloads/stress/random/plan_trace.hpp"
#include "workloads/stress/random/shrink.hpp"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <set>

namespace faultline::stress {
namespace {

class Generated {
  public:
    Plan plan(std::uint64_t seed, std::uint64_t episode) {
        return generate(seed, episode, true, room_, live_);
    }
    KeptPlan kept(std::uint64_t seed, std::uint64_t episode) {
        const Plan plan = this->plan(seed, episode);
        KeptPlan kept;
        kept.steps.assign(plan.steps.begin(), plan.steps.end());
        kept.blocks = plan.blocks;
        kept.threads = plan.threads;
        kept.lanes = plan.lanes;
        kept.seed = seed;
        return kept;
    }

  private:
    std::vector<Step> room_ = std::vector<Step>(most_steps);
    std::vector<std::uint32_t> live_ = std::vector<std::uint32_t>(most_steps);
};

bool same(const Step& a, const Step& b) {
    return a.size == b.size && a.extra == b.extra && a.block == b.block && a.old == b.old &&
           a.thread == b.thread && a.op == b.op;
}

TEST(Generate, IsTheSameForTheSameSeed) {
    Generated one;
    Generated two;
    for (std::uint64_t episode = 0; episode < 20; ++episode) {
        const Plan a = one.plan(7, episode);
        const Plan b = two.plan(7, episode);
        ASSERT_TRUE(std::equal(a.steps.begin(), a.steps.end(), b.steps.begin(), b.steps.end(), same));
    }
}

TEST(Generate, EveryBlockIsMadeOnceAndGivenUpOnceAfterwards) {
    Generated generated;
    for (std::uint64_t episode = 0; episode < 60; ++episode) {
        const Plan plan = generated.plan(3, episode);
        std::set<std::uint32_t> living;
        for (const Step& step : plan.steps) {
            if (const std::uint32_t given = step.given_up()) {
                ASSERT_EQ(living.erase(given), 1U) << "episode " << episode;
            }
            if (step.makes()) {
                ASSERT_LE(step.block, plan.blocks);
                ASSERT_TRUE(living.insert(step.block).second) << "episode " << episode;
            }
            ASSERT_LT(step.thread, plan.threads);
        }
        EXPECT_TRUE(living.empty()) << "episode " << episode;
    }
}

// What the executor relies on: a thread begins only after the one in its lane before it has ended.
TEST(Generate, ThreadsEndInOrderOfNumberAndFollowEachOtherInTheirLanes) {
    Generated generated;
    for (std::uint64_t episode = 0; episode < 60; ++episode) {
        const Plan plan = generated.plan(5, episode);
        std::map<std::uint32_t, std::pair<std::size_t, std::size_t>> span;
        for (std::size_t at = 0; at < plan.steps.size(); ++at) {
            span.try_emplace(plan.steps[at].thread, at, at).first->second.second = at;
        }
        for (const auto& [thread, first_and_last] : span) {
            if (const auto before = span.find(thread - plan.lanes);
                thread >= plan.lanes && before != span.end()) {
                EXPECT_LT(before->second.second, first_and_last.first) << "episode " << episode;
            }
        }
    }
}

TEST(PlanTrace, ComesBackStepByStep) {
    Generated generated;
    const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "plan_trace_test.fltrace";
    unsigned forks = 0;
    for (std::uint64_t episode = 0; episode < 20; ++episode) {
        KeptPlan kept = generated.kept(11, episode);
        kept.is_free = episode % 2 != 0;
        ASSERT_TRUE(write_trace(path, kept, "stress.episode=1\n"));
        const Result<KeptPlan> read = read_trace(path);
        ASSERT_TRUE(read) << read.error().line();
        EXPECT_EQ(read->lanes, kept.lanes);
        EXPECT_EQ(read->seed, kept.seed);
        EXPECT_EQ(read->is_free, kept.is_free);
        ASSERT_TRUE(
            std::equal(kept.steps.begin(), kept.steps.end(), read->steps.begin(), read->steps.end(), same))
            << "episode " << episode;
        forks += static_cast<unsigned>(std::count_if(kept.steps.begin(), kept.steps.end(),
                                                     [](const Step& step) { return step.op == op_fork; }));
    }
    EXPECT_GT(forks, 0U);
    std::filesystem::remove(path);
}

TEST(Shrink, FindsTheTwoBlocksThatMatter) {
    Generated generated;
    const KeptPlan whole = generated.kept(1, 2);
    std::vector<std::uint32_t> made;
    for (const Step& step : whole.steps) {
        if (step.makes() && step.old == 0) {
            made.push_back(step.block);
        }
    }
    const std::uint32_t one = made[made.size() / 3];
    const std::uint32_t two = made[made.size() / 2];
    const auto fails = [&](const KeptPlan& kept) {
        unsigned both = 0;
        for (const Step& step : kept.steps) {
            both += step.makes() && (step.block == one || step.block == two) ? 1 : 0;
        }
        return both == 2;
    };
    const Shrunk shrunk = shrink(whole, fails, {5000, 60});
    EXPECT_TRUE(fails(shrunk.kept));
    EXPECT_LE(shrunk.kept.steps.size(), 4U) << "two blocks, made and given up";
    EXPECT_EQ(shrunk.kept.threads, 1U);
}

TEST(LiveIndex, FindsOverlapsAndForgetsWhatIsRemoved) {
    LiveIndex index;
    const std::uintptr_t base = 0x7f0000000000 - 4096; // across two leaves
    EXPECT_EQ(index.add(base, 8192), 0U);
    EXPECT_EQ(index.add(base + 8192, 64), 0U);
    EXPECT_EQ(index.add(base - 64, 64), 0U);
    EXPECT_EQ(index.add(base + 4000, 16), base + 4000);
    index.remove(base, 8192);
    EXPECT_EQ(index.add(base + 4000, 16), 0U);
    EXPECT_EQ(index.add(base + 3900, 200), base + 4000);
    EXPECT_EQ(index.add(base + 20003, 8), 0U) << "no whole unit of eight bytes is in it";
    EXPECT_EQ(index.add(base + 20000, 16), 0U);
}

TEST(Pattern, FindsEachChangedByteOfAWholeBlock) {
    for (const std::size_t bytes : {1UL, 7UL, 8UL, 9UL, 63UL, 4096UL, 16384UL}) {
        std::vector<unsigned char> block(bytes);
        write_pattern_of(block.data(), bytes, 99);
        EXPECT_EQ(first_difference(block.data(), bytes, bytes, 99), all_as_written);
        EXPECT_NE(first_difference(block.data(), bytes, bytes, 98), all_as_written);
        for (std::size_t at = 0; at < bytes; at += 1 + bytes / 50) {
            block[at] ^= 0x40;
            EXPECT_EQ(first_difference(block.data(), bytes, bytes, 99), at);
            EXPECT_EQ(first_difference(block.data(), bytes, at, 99), all_as_written);
            block[at] ^= 0x40;
        }
    }
}

TEST(Pattern, OfALargeBlockFindsALostPageOrTail) {
    const std::size_t bytes = 200'000;
    std::vector<unsigned char> block(bytes);
    write_pattern_of(block.data(), bytes, 5);
    EXPECT_EQ(first_difference(block.data(), bytes, bytes, 5), all_as_written);
    for (std::size_t page = 0; page + 8192 < bytes; page += 4096) {
        std::vector<unsigned char> lost = block;
        std::fill(lost.begin() + static_cast<std::ptrdiff_t>(page),
                  lost.begin() + static_cast<std::ptrdiff_t>(page) + 4096, 0xee);
        EXPECT_NE(first_difference(lost.data(), bytes, bytes, 5), all_as_written) << page;
        EXPECT_NE(first_not_zero(lost.data(), bytes), all_as_written);
    }
    block[bytes - 1] ^= 1;
    EXPECT_EQ(first_difference(block.data(), bytes, bytes, 5), bytes - 1);
}

TEST(Pattern, ZerosAreZeros) {
    std::vector<unsigned char> block(70'001);
    EXPECT_EQ(first_not_zero(block.data(), block.size()), all_as_written);
    for (const std::size_t at : {0UL, 9UL, 64'003UL, 70'000UL}) {
        block[at] = 1;
        EXPECT_EQ(first_not_zero(block.data(), block.size()), at);
        block[at] = 0;
    }
}

std::vector<std::uint64_t> series(std::size_t count, double (*at)(double share), std::uint64_t noise_mib) {
    engine::Rng rng(4);
    std::vector<std::uint64_t> all;
    for (std::size_t i = 0; i < count; ++i) {
        const double mib = at(static_cast<double>(i) / static_cast<double>(count));
        all.push_back((static_cast<std::uint64_t>(mib) + rng.below(noise_mib + 1)) << 20);
    }
    return all;
}

TEST(Drift, ALineIsALeakAndAPlateauIsNone) {
    EXPECT_TRUE(judge_drift(series(
                                128, [](double t) { return 50 + 200 * t; }, 20))
                    .is_leak);
    EXPECT_FALSE(judge_drift(series(
                                 128, [](double) { return 300.0; }, 100))
                     .is_leak);
    EXPECT_FALSE(judge_drift(series(
                                 128, [](double t) { return t < 0.3 ? 1000 * t : 300.0; }, 20))
                     .is_leak)
        << "filled up, then level";
    EXPECT_FALSE(judge_drift(series(
                                 128, [](double t) { return 300 + 30 * t; }, 20))
                     .is_leak)
        << "a tenth";
    EXPECT_FALSE(judge_drift(series(
                                 20, [](double t) { return 50 + 200 * t; }, 1))
                     .is_leak)
        << "too few to tell";
}

TEST(Drift, ASeriesOfAnyLengthIsThinned) {
    DriftSeries thinned;
    for (std::uint64_t i = 0; i < 10'000; ++i) {
        thinned.offer(i);
    }
    ASSERT_LE(thinned.samples().size(), most_drift_samples);
    EXPECT_GE(thinned.samples().size(), most_drift_samples / 2);
    for (std::size_t i = 0; i < thinned.samples().size(); ++i) {
        EXPECT_EQ(thinned.samples()[i], i * thinned.stride());
    }
}

// A heap as the watch sees it: what leaks stays, what is only held back goes when it is asked for.
struct Held {
    std::uint64_t leaked = 0;
    std::uint64_t held_back = 0;
};

// What the watch says over so many samples, and at which sample last.
std::pair<Suspicion, int> watched(int samples, const std::function<void(int, Held&)>& grow) {
    LeakWatch watch(24);
    Held held;
    std::pair<Suspicion, int> last = {Suspicion::none, 0};
    for (int i = 1; i <= samples; ++i) {
        grow(i, held);
        if (watch.is_suspicious()) {
            held.held_back = 0;
        }
        const Suspicion said =
            watch.offer((10ULL << 20) + held.leaked + held.held_back, std::uint64_t(i) << 30);
        if (said != Suspicion::none) {
            last = {said, i};
        }
        if (said == Suspicion::proved) {
            break;
        }
    }
    return last;
}

TEST(LeakWatch, AccusesWhatGrowsOverTwoPeriods) {
    const auto [said, at] = watched(200, [](int /*i*/, Held& held) { held.leaked += 3 << 20; });
    EXPECT_EQ(said, Suspicion::proved);
    EXPECT_EQ(at, 24 + 24);
}

TEST(LeakWatch, SuspectsFirst) {
    EXPECT_EQ(watched(30, [](int /*i*/, Held& held) { held.leaked += 3 << 20; }).first, Suspicion::new_one);
}

TEST(LeakWatch, DoesNotAccuseWhatIsGivenBackWhenAskedFor) {
    const auto said = watched(5000, [](int /*i*/, Held& held) { held.held_back += 3 << 20; }).first;
    EXPECT_NE(said, Suspicion::proved);
    EXPECT_NE(said, Suspicion::none) << "it was looked at";
}

TEST(LeakWatch, DoesNotAccuseAHeapThatFillsUpLater) {
    const auto [said, at] = watched(5000, [](int i, Held& held) { held.leaked += i < 30 ? 3 << 20 : 0; });
    EXPECT_EQ(said, Suspicion::unfounded);
    EXPECT_EQ(at, 24 + 24);
}

// One sample in four does a hundred times the work of the others, and in the second period they are fewer.
TEST(LeakWatch, AccusesWhatGrowsWithTheWork) {
    LeakWatch watch(24);
    std::uint64_t asked = 0;
    Suspicion last = Suspicion::none;
    int at = 0;
    for (; at < 200 && last != Suspicion::proved; ++at) {
        asked += (at % (at < 24 ? 2 : 5) == 0 ? 1000ULL : 10ULL) << 20;
        last = watch.offer((10ULL << 20) + asked / 100, asked);
    }
    EXPECT_EQ(last, Suspicion::proved);
    EXPECT_EQ(at, 24 + 24);
}

TEST(LeakWatch, SaysHowOftenItLooked) {
    LeakWatch watch(24);
    for (int i = 1; i < 24; ++i) {
        watch.offer(1 << 20, 1 << 20);
    }
    EXPECT_EQ(watch.judgements(), 0U) << "too few samples to tell";
    watch.offer(1 << 20, 1 << 20);
    EXPECT_EQ(watch.judgements(), 1U);
}

TEST(LeakWatch, AccusesALeakThatBeginsAfterALongTime) {
    const auto said = watched(5000, [](int i, Held& held) { held.leaked += i > 900 ? 3 << 20 : 0; }).first;
    EXPECT_EQ(said, Suspicion::proved);
}

} // namespace
} // namespace faultline::stress
