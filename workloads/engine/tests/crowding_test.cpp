#include "workloads/engine/crowding.hpp"
#include "workloads/engine/patience.hpp"

#include <ctime>
#include <gtest/gtest.h>

using namespace faultline::engine;

TEST(Crowding, CountsWhatCouldRunForEachProcessor) {
    EXPECT_EQ(crowding_of("34.86 28.54 17.42 5/210 20502\n", 2), 2.5);
    EXPECT_EQ(crowding_of("0.00 0.00 0.00 1/210 20502\n", 2), 1); // never less than alone
    EXPECT_EQ(crowding_of("0.00 0.00 0.00 900/2100 20502\n", 2), most_crowding);
}

TEST(Crowding, IsOneWhereNothingIsKnown) {
    EXPECT_EQ(crowding_of("", 2), 1);
    EXPECT_EQ(crowding_of("no numbers", 2), 1);
    EXPECT_EQ(crowding_of("0.00 0.00 0.00 3/210 20502\n", 0), 3); // no processors count as one
}

TEST(Crowding, OfThisMachineIsWithinItsRange) {
    EXPECT_GE(crowding(), 1);
    EXPECT_LE(crowding(), most_crowding);
}

TEST(Waited, IsTheSecondNumber) {
    EXPECT_EQ(waited_ns_of("55150414 133467497016 55\n"), 133467497016U);
    EXPECT_EQ(waited_ns_of(""), 0U); // a kernel without CONFIG_SCHED_INFO
    EXPECT_EQ(waited_ns_of("55150414"), 0U);
}

TEST(Waited, NeverTurnsBack) {
    const std::uint64_t before = waited_ns();
    EXPECT_GE(waited_ns(), before);
}

// All of the time is counted, but for what this thread had to wait.
TEST(Patience, EndsAndNotBefore) {
    constexpr std::uint64_t limit = 50'000'000;
    const std::uint64_t begin = monotonic_ns();
    Patience patience(limit);
    const timespec moment = {0, 1'000'000};
    while (!patience.over()) {
        ::nanosleep(&moment, nullptr);
    }
    EXPECT_GE(monotonic_ns() - begin, limit);
}

TEST(Patience, CountsWhatWasServed) {
    EXPECT_DOUBLE_EQ(counted_share({0, 1}, 1), 1);
    EXPECT_DOUBLE_EQ(counted_share({0, 1}, 4), 0.25);  // it sleeps, and others are in the way of who wakes it
    EXPECT_DOUBLE_EQ(counted_share({1, 1}, 4), 1);     // it runs all the time
    EXPECT_DOUBLE_EQ(counted_share({1, 0.1}, 4), 0.1); // others run nearly all the time
    EXPECT_DOUBLE_EQ(counted_share({1, 0}, 4), least_served);
    EXPECT_DOUBLE_EQ(counted_share({0.5, 0.5}, 2), 0.5);
}
