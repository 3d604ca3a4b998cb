#include "harness/plan/shard.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <tuple>

using namespace faultline::plan;

namespace {

Plan plan_of(const std::vector<std::uint64_t>& operations, unsigned rounds) {
    Plan plan;
    plan.seed = 42;
    plan.rounds = rounds;
    plan.idle_ms = 0;
    plan.arms.resize(2);
    for (const std::uint64_t count : operations) {
        Row& row = plan.rows.emplace_back();
        row.label = "w" + std::to_string(plan.rows.size());
        row.cost.operations = count;
    }
    return plan;
}

Plan shard_of(Plan plan, unsigned index, unsigned of) {
    EXPECT_TRUE(take_shard(plan, {index, of, {}}));
    return plan;
}

using Key = std::tuple<unsigned, unsigned, std::size_t, std::size_t, std::uint64_t, unsigned>;

std::vector<Key> trials_of(const Plan& plan) {
    std::vector<Key> keys;
    for (unsigned round = plan.first_round; round < plan.first_round + plan.rounds; ++round) {
        for (const TrialSpec& trial : draw_round(plan, round)) {
            keys.emplace_back(trial.round, trial.position, trial.row, trial.arm, trial.seed,
                              trial.environment_bytes);
        }
    }
    return keys;
}

} // namespace

TEST(Shard, AllOfThemAreTheWholePlanTrialForTrial) {
    for (const unsigned of : {1U, 2U, 3U, 7U, 12U}) {
        Plan plan = plan_of({3'000'000, 40'000'000, 1}, 4);
        plan.first_round = 6;
        std::vector<Key> joined;
        std::size_t counted = 0;
        for (unsigned index = 1; index <= of; ++index) {
            const Plan shard = shard_of(plan, index, of);
            const auto trials = trials_of(shard);
            EXPECT_EQ(shard.trials(), trials.size());
            counted += shard.trials(plan.first_round);
            joined.insert(joined.end(), trials.begin(), trials.end());
        }
        std::sort(joined.begin(), joined.end());
        EXPECT_EQ(joined, trials_of(plan)) << of << " shards";
        EXPECT_EQ(counted, plan.trials(plan.first_round));
    }
}

TEST(Shard, NoneHasMoreThanTheAverageAndOneRound) {
    const Plan plan = plan_of({90'000'000, 10'000'000, 500'000'000, 20'000'000, 0, 300'000'000}, 10);
    const double longest = trial_seconds(plan, 2) * 2;
    for (const unsigned of : {2U, 3U, 5U, 16U}) {
        const double average = estimate(plan, {}).seconds / of;
        for (unsigned index = 1; index <= of; ++index) {
            const double seconds = estimate(shard_of(plan, index, of), {}).seconds;
            EXPECT_LE(seconds, average + longest) << index << "/" << of;
            EXPECT_GE(seconds, average - longest) << index << "/" << of;
        }
    }
}

TEST(Shard, CutsNoMoreWorkloadsThanThereAreCuts) {
    const Plan plan = plan_of({90'000'000, 10'000'000, 500'000'000, 20'000'000, 0, 300'000'000}, 10);
    std::size_t pieces = 0;
    for (unsigned index = 1; index <= 3; ++index) {
        pieces += shard_of(plan, index, 3).shard->parts.size();
    }
    EXPECT_LE(pieces, plan.rows.size() + 2);
}

TEST(Shard, WhatOneNodeLeavesOutMovesNoCut) {
    const Plan plan = plan_of({90'000'000, 10'000'000, 500'000'000}, 10);
    Plan smaller = plan;
    smaller.skips.push_back({2, 1, "too large for this node"});
    const auto parts = shard_of(plan, 1, 2).shard->parts;
    const auto same = shard_of(smaller, 1, 2).shard->parts;
    ASSERT_EQ(parts.size(), same.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
        EXPECT_EQ(parts[i].rounds, same[i].rounds);
    }
}

TEST(Shard, RefusesMoreShardsThanRoundsOfWorkloads) {
    Plan plan = plan_of({1, 1}, 3);
    EXPECT_FALSE(take_shard(plan, {1, 7, {}}));
    EXPECT_TRUE(take_shard(plan, {1, 6, {}}));
}

TEST(Shard, IsWrittenAsAFractionFromOne) {
    ASSERT_TRUE(parse_shard("2/4"));
    EXPECT_EQ(parse_shard("2/4")->index, 2U);
    EXPECT_EQ(parse_shard("2/4")->of, 4U);
    for (const char* wrong :
         {"", "/", "0/4", "5/4", "2", "2/", "/4", "2/4x", "-1/4", "a/b", "1/0", "1/2/3"}) {
        EXPECT_FALSE(parse_shard(wrong)) << wrong;
    }
}
