#include "workloads/stress/faults/order.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>

using namespace faultline::stress;

namespace {
const std::vector<std::uint64_t> kinds = {7, 7, 7, 9, 7, 9, 5, 7};
}

TEST(OrderOfFaults, HasEachCallOnceAndOneOfEachKindFirst) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        const auto order = order_of_faults(kinds, seed);
        EXPECT_EQ((std::set<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8}), std::set(order.begin(), order.end()));
        ASSERT_EQ(order.size(), kinds.size());
        EXPECT_EQ((std::set{kinds[order[0] - 1], kinds[order[1] - 1], kinds[order[2] - 1]}).size(), 3U);
    }
}

TEST(OrderOfFaults, IsTheSeeds) {
    EXPECT_EQ(order_of_faults(kinds, 3), order_of_faults(kinds, 3));
    std::set<std::uint64_t> first;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        first.insert(order_of_faults(kinds, seed).front());
    }
    EXPECT_EQ(first.size(), kinds.size()); // runs that have time for one call come to all of them
}

TEST(OrderOfFaults, OfNoCallsIsEmpty) {
    EXPECT_TRUE(order_of_faults({}, 1).empty());
    EXPECT_FALSE(Coverage({}).leaves_much());
}

TEST(Coverage, AsksForEachKindAndForTenCalls) {
    std::vector<std::uint64_t> many(30, 1);
    many[29] = 2;
    Coverage coverage(many);
    for (std::uint64_t number = 1; number <= 12; ++number) {
        coverage.add(number);
    }
    EXPECT_EQ(coverage.kinds_tried(), 1U);
    EXPECT_TRUE(coverage.leaves_much()); // the other kind
    coverage.add(30);
    EXPECT_EQ(coverage.tried(), 13U);
    EXPECT_FALSE(coverage.leaves_much());
    Coverage few(std::vector<std::uint64_t>(30, 1));
    few.add(1);
    EXPECT_TRUE(few.leaves_much());
    Coverage all(std::vector<std::uint64_t>(2, 1));
    all.add(1);
    EXPECT_TRUE(all.leaves_much());
    all.add(2);
    EXPECT_FALSE(all.leaves_much());
}
