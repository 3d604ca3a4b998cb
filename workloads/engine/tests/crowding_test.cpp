#include "workloads/engine/crowding.hpp"

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
