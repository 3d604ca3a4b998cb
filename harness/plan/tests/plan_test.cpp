#include "harness/plan/plan.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <set>

using namespace faultline::plan;

namespace {

Plan plan_of(std::size_t rows, std::size_t arms) {
    Plan plan;
    plan.seed = 42;
    for (std::size_t i = 0; i < rows; ++i) {
        plan.rows.emplace_back().label = "w" + std::to_string(i);
    }
    plan.arms.resize(arms);
    return plan;
}

bool same(const std::vector<TrialSpec>& a, const std::vector<TrialSpec>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const TrialSpec& x, const TrialSpec& y) {
        return x.row == y.row && x.arm == y.arm && x.seed == y.seed &&
               x.environment_bytes == y.environment_bytes;
    });
}

} // namespace

TEST(DrawRound, HoldsEveryPairOnce) {
    const auto trials = draw_round(plan_of(5, 4), 3);
    std::set<std::pair<std::size_t, std::size_t>> pairs;
    for (const TrialSpec& trial : trials) {
        pairs.emplace(trial.row, trial.arm);
        EXPECT_EQ(trial.round, 3U);
    }
    EXPECT_EQ(trials.size(), 20U);
    EXPECT_EQ(pairs.size(), 20U);
}

TEST(DrawRound, SeedReproducesOrderAndAnotherSeedDoesNot) {
    Plan plan = plan_of(5, 4);
    const auto first = draw_round(plan, 0);
    EXPECT_TRUE(same(first, draw_round(plan, 0)));
    EXPECT_FALSE(same(first, draw_round(plan, 2)));
    plan.seed = 43;
    EXPECT_FALSE(same(first, draw_round(plan, 0)));
}

TEST(DrawRound, ArmsOfAWorkloadShareItsStreamAndStandTogether) {
    const auto trials = draw_round(plan_of(6, 5), 1);
    for (std::size_t i = 0; i < trials.size(); i += 5) {
        for (std::size_t j = i; j < i + 5; ++j) {
            EXPECT_EQ(trials[j].row, trials[i].row);
            EXPECT_EQ(trials[j].seed, trials[i].seed);
        }
    }
}

TEST(DrawRound, ARowDrawsTheSameStreamAloneAsAmongOthers) {
    Plan many = plan_of(3, 1);
    Plan alone = plan_of(1, 1);
    alone.rows[0].label = "w2";
    const auto all = draw_round(many, 4);
    const auto in_company =
        std::find_if(all.begin(), all.end(), [](const TrialSpec& trial) { return trial.row == 2; });
    EXPECT_EQ(draw_round(alone, 4)[0].seed, in_company->seed);
}

TEST(DrawRound, OverTwoRoundsEachArmIsAsOftenBeforeAsAfterAnother) {
    const Plan plan = plan_of(4, 3);
    for (unsigned pair = 0; pair < 5; ++pair) {
        std::map<std::pair<std::size_t, std::size_t>, unsigned>
            position; // (row, arm) -> sum over both rounds
        for (const unsigned round : {2 * pair, 2 * pair + 1}) {
            unsigned within = 0;
            for (const TrialSpec& trial : draw_round(plan, round)) {
                position[{trial.row, trial.arm}] += within++ % 3;
            }
        }
        for (const auto& [key, sum] : position) {
            EXPECT_EQ(sum, 2U);
        }
    }
}

TEST(DrawRound, SkippedPairsAreLeftOut) {
    Plan plan = plan_of(2, 2);
    plan.skips.push_back({1, 0, "too large"});
    const auto trials = draw_round(plan, 0);
    EXPECT_EQ(trials.size(), 3U);
    EXPECT_EQ(
        std::count_if(trials.begin(), trials.end(), [](const auto& t) { return t.row == 1 && t.arm == 0; }),
        0);
}

TEST(FitToMemory, SkipsTheFloorWhereNeverFreeingWouldFillTheMachine) {
    constexpr std::uint64_t mebibyte = 1 << 20;
    Plan plan = plan_of(2, 2);
    plan.arms[1].role = Role::floor;
    plan.rows[0].cost = {10, mebibyte, 1};
    plan.rows[1].cost = {10, 600 * mebibyte, 1};
    ASSERT_TRUE(fit_to_memory(plan, 500 * mebibyte));
    EXPECT_TRUE(plan.skipped(1, 1));
    EXPECT_FALSE(plan.skipped(1, 0));
    EXPECT_FALSE(plan.skipped(0, 1));
}

TEST(FitToMemory, TheFloorNeedsMoreThanTheBlocksThemselves) {
    EXPECT_GE(floor_bytes({0, 16'000'000, 2'000'000}), 16'000'000U + 24U * 1'000'000U);
}

TEST(Estimate, CountsTrialsThatRunAndNamesTheLargestRow) {
    Plan plan = plan_of(2, 2);
    plan.rounds = 3;
    plan.idle_ms = 400;
    plan.rows[0].cost = {2000, 1, 0};
    plan.rows[1].cost = {1000, 1, 1'000'000'000 / guessed_ns_an_operation};
    plan.skips.push_back({0, 1, "too large"});
    const Estimate estimated = estimate(plan, {});
    EXPECT_NEAR(estimated.seconds, 3 * (3 * 0.5 + 2 * 1.0),
                0.01); // three pairs' starts and idling, two pairs' work
    EXPECT_EQ(estimated.live_bytes, 2000U);
    EXPECT_EQ(estimated.live_row, "w0");
}

TEST(Estimate, CountsTheTrialsThatFollowTheRounds) {
    const faultline::engine::WorkloadSpec about_allocators{};
    faultline::engine::WorkloadSpec about_the_kernel{};
    about_the_kernel.kernel = "page fault";
    Plan plan = plan_of(2, 3);
    plan.arms[1].role = Role::floor;
    plan.arms[2].role = Role::kernel;
    plan.rows[0].spec = &about_allocators;
    plan.rows[1].spec = &about_the_kernel;
    plan.skips = {{0, 2, "no row of the kernel's", true},
                  {1, 0, "no row of an allocator's", true},
                  {1, 1, "no row of an allocator's", true}};
    plan.rounds = 2;
    const double trial = trial_seconds(plan, 0);
    EXPECT_NEAR(estimate(plan, {}).seconds, 6 * trial, 1e-6);
    EXPECT_NEAR(estimate(plan, {.counts = true}).seconds, 9 * trial, 1e-6);
    EXPECT_NEAR(estimate(plan, {.counts = true, .occupancy = true}).seconds, 10 * trial, 1e-6);
    EXPECT_EQ(estimate(plan, {.counts = true, .occupancy = true}).extra_trials, 4U);
}

TEST(FitToMemory, RefusesWhatCannotFitAtAll) {
    Plan plan = plan_of(1, 1);
    plan.rows[0].cost = {1000, 1000, 1};
    EXPECT_EQ(fit_to_memory(plan, 500).error().where, "w0");
}
