#include "workloads/engine/rng.hpp"

#include <array>
#include <gtest/gtest.h>
#include <set>

using namespace faultline::engine;

// The first outputs of the authors' reference programs (prng.di.unimi.it), as other implementations also test
// them.
TEST(Rng, SplitMixGivesThePublishedVector) {
    SplitMix64 generator(1234567);
    for (const std::uint64_t expected : {6457827717110365317U, 3203168211198807973U, 9817491932198370423U,
                                         4593380528125082431U, 16408922859458223821U})
        EXPECT_EQ(generator.next(), expected);
}

TEST(Rng, XoshiroGivesThePublishedVector) {
    Rng generator(1, 2, 3, 4);
    for (const std::uint64_t expected :
         {std::uint64_t{41943041}, std::uint64_t{58720359}, 3588806011781223U, 3591011842654386U,
          9228616714210784205U, 9973669472204895162U, 14011001112246962877U, 12406186145184390807U,
          15849039046786891736U, 10450023813501588000U})
        EXPECT_EQ(generator.next(), expected);
}

// Streams are part of what a result means: two versions of faultline compare only while these stay.
TEST(Rng, SeedAndStreamGiveTheSameNumbersForEver) {
    EXPECT_EQ(Rng(1).next(), 14971601782005023387U);
    EXPECT_EQ(Rng(1, 1).next(), 5226295891941712017U);
    EXPECT_EQ(Rng(2, 1).next(), 2537707381470079633U);
}

TEST(Rng, StreamsAndSeedsDoNotMeet) {
    std::set<std::uint64_t> seen;
    for (std::uint64_t seed = 0; seed < 20; ++seed)
        for (std::uint64_t stream = 0; stream < 20; ++stream) {
            Rng generator(seed, stream);
            for (int i = 0; i < 5; ++i)
                seen.insert(generator.next());
        }
    EXPECT_EQ(seen.size(), 20U * 20 * 5);
}

TEST(Rng, BetweenReachesBothEndsAndNothingElse) {
    Rng generator(7);
    std::array<unsigned, 6> counts{};
    for (int i = 0; i < 60'000; ++i)
        ++counts.at(generator.between(10, 15) - 10);
    for (const unsigned count : counts) // 10000 expected, standard deviation 91: 6 of them
        EXPECT_NEAR(count, 10'000, 550);
}

TEST(Rng, UnitStaysBelowOne) {
    Rng generator(7);
    double sum = 0;
    for (int i = 0; i < 10'000; ++i) {
        const double value = generator.unit();
        ASSERT_GE(value, 0);
        ASSERT_LT(value, 1);
        sum += value;
    }
    EXPECT_NEAR(sum / 10'000, 0.5, 0.02);
}
