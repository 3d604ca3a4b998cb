#include "workloads/synthetic/profile.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

using namespace faultline;
using namespace faultline::synthetic;

namespace {

std::string error_of(std::string_view text) {
    const Result<Profile> profile = parse_profile(text, "p.csv");
    return profile ? "accepted" : profile.error().line();
}

double bytes(const Profile& profile, const std::vector<std::uint64_t>& live) {
    double sum = 0;
    for (std::size_t i = 0; i < live.size(); ++i)
        sum += static_cast<double>(live[i] * profile.rows[i].size);
    return sum;
}

} // namespace

TEST(Profile, ReadsRowsWithBlanksAndExponents) {
    const Result<Profile> profile = parse_profile("16, 10, 4\r\n\n  1000 ,2.5e-1, 3\n", "p.csv");
    ASSERT_TRUE(profile) << profile.error().line();
    ASSERT_EQ(profile->rows.size(), 2U);
    EXPECT_EQ(profile->rows[1].size, 1000U);
    EXPECT_EQ(profile->rows[1].rate, 0.25);
    EXPECT_EQ(profile->live_bytes(), 3064);
    EXPECT_NEAR(profile->mean_allocated_bytes(), (160 + 250) / 10.25, 1e-9);
}

TEST(Profile, NamesTheLineThatIsWrong) {
    const std::string says = " is not a size, an allocation rate and a number of live objects";
    for (const char* line :
         {"16, 10", "16, 10, 4, 5", "16, x, 4", "16, -1, 4", "0, 1, 1", "1.5, 1, 1", "16, nan, 1",
          "16, inf, 1", "1e300, 1, 1", "16, 1e300, 1", ",,", "16, 10, 4x", "\xff\xfe"})
        EXPECT_NE(error_of("8, 1, 1\n" + std::string(line) + "\n").find("p.csv:2:" + says), std::string::npos)
            << line;
}

TEST(Profile, RefusesOneWithNothingInIt) {
    for (const char* text : {"", "\n\n", "16, 0, 4\n", "16, 1, 0\n"})
        EXPECT_NE(error_of(text).find("allocates nothing or has nothing live"), std::string::npos) << text;
}

TEST(Profile, ScalesTheHeapAndKeepsProportions) {
    Profile profile;
    for (std::uint64_t size = 16; size <= 4096; size += 16)
        profile.rows.push_back({size, 1, 0.3 * 4096 / static_cast<double>(size)});
    const double all = profile.live_bytes();
    const std::vector<std::uint64_t> half = scaled_live(profile, static_cast<std::uint64_t>(all / 2));
    EXPECT_NEAR(bytes(profile, half) / (all / 2), 1, 0.05) << "what rounding leaves over is carried on";
    EXPECT_EQ(half[0], 38U); // 0.3 * 256 / 2
    const std::vector<std::uint64_t> whole = scaled_live(profile, static_cast<std::uint64_t>(all * 100));
    EXPECT_NEAR(bytes(profile, whole) / all, 1, 0.05) << "never more than the profile has";
}

TEST(Profile, OurOwnIsWell) {
    const Result<Profile> profile = read_profile(PROFILES "/small-service.csv");
    ASSERT_TRUE(profile) << profile.error().line();
    EXPECT_NEAR(profile->live_bytes() / (1 << 20), 18, 1);
}

TEST(Profile, FleetbenchsAreRead) {
    for (const char* name : {"0", "1", "2", "3", "4"}) {
        const std::string path = std::string(SHARED_DATA "/fleetbench-tcmalloc/TCMALLOC_") + name + ".csv";
        if (!std::filesystem::exists(path))
            GTEST_SKIP() << path << " is not there";
        const Result<Profile> profile = read_profile(path);
        ASSERT_TRUE(profile) << profile.error().line();
        const double heap = std::min(profile->live_bytes(), 64.0 * (1 << 20));
        EXPECT_NEAR(bytes(*profile, scaled_live(*profile, 64 << 20)) / heap, 1, 0.1)
            << path << ", whose largest objects are a good part of such a heap";
    }
}
