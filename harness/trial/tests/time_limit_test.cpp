#include "harness/trial/time_limit.hpp"

#include <gtest/gtest.h>

namespace faultline::trial {
namespace {

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t tick = second / 50;

TEST(TimeLimit, IsPassedByTimeThatWasWatched) {
    TimeLimit limit(2 * second, 100);
    std::uint64_t now = 100;
    for (unsigned look = 0; look < 100; ++look) {
        now += tick;
        ASSERT_FALSE(limit.passed(now)) << look;
    }
    EXPECT_TRUE(limit.passed(now + tick));
    EXPECT_TRUE(limit.passed(now + tick)); // and stays so
    EXPECT_EQ(limit.stood_still_ns(), 0U);
}

TEST(TimeLimit, DoesNotCountTimeInWhichTheHarnessStoodStill) {
    TimeLimit limit(2 * second, 0);
    EXPECT_FALSE(limit.passed(second / 2));
    EXPECT_FALSE(limit.passed(100 * second));
    EXPECT_EQ(limit.stood_still_ns(), 100 * second - second / 2);
    EXPECT_FALSE(limit.passed(101 * second));
    EXPECT_FALSE(limit.passed(101 * second + second / 2));
    EXPECT_TRUE(limit.passed(101 * second + second / 2 + tick));
}

TEST(TimeLimit, CountsStepsThatABusyMachineMakesLonger) {
    TimeLimit limit(3 * second, 0);
    EXPECT_FALSE(limit.passed(second));
    EXPECT_FALSE(limit.passed(2 * second));
    EXPECT_FALSE(limit.passed(3 * second));
    EXPECT_TRUE(limit.passed(4 * second));
}

} // namespace
} // namespace faultline::trial
