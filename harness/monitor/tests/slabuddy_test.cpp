#include "harness/monitor/slabuddy.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

using namespace faultline::monitor;

TEST(Slabuddy, ReadsTheTextsOfSlabinfoAndBuddyinfo) {
    const SlabuddyFigures figures =
        parse_slabuddy("slabinfo - version: 2.1\n"
                       "# name            <active_objs> <num_objs> <objsize>\n"
                       "kmalloc-64          5000   5120     64 1024    1 : tunables   64\n"
                       "named                  3     24   5400   24    2 : tunables    0\n"
                       "Node 0, zone     Slab      3      0      1 \n"
                       "Node 0, zone    Large      0      2      0 \n"
                       "\n\n",
                       65536);
    ASSERT_EQ(figures.caches.size(), 2U);
    EXPECT_EQ(figures.caches[0].name, "kmalloc-64");
    EXPECT_EQ(figures.caches[0].in_use, 5000U);
    EXPECT_EQ(figures.caches[0].slab_bytes, 5U * 65536);
    EXPECT_EQ(figures.caches[1].slab_bytes, 2U * 65536);
    EXPECT_EQ(figures.free.at("Slab"), (std::vector<std::uint64_t>{3, 0, 1}));
    EXPECT_EQ(figures.free.at("Large"), (std::vector<std::uint64_t>{0, 2, 0}));
}

TEST(Slabuddy, LinesOfAnotherFormAreLeftOut) {
    const SlabuddyFigures figures = parse_slabuddy("half-a-line 3 4\nkmalloc-16 1 2 16 0 1\nNode 0\n", 65536);
    EXPECT_TRUE(figures.caches.empty());
    EXPECT_TRUE(figures.free.empty());
}

TEST(Slabuddy, AProcessWithoutItShowsNothing) {
    EXPECT_FALSE(read_slabuddy(::getpid()));
    EXPECT_FALSE(read_slabuddy(1 << 30));
}
