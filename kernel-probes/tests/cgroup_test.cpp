#include "kernel-probes/tests/probe_testing.hpp"

#include <filesystem>
#include <fstream>

using namespace faultline::probes;
using faultline::probes::testing::value_of;
namespace fs = std::filesystem;

namespace {

class CgroupTest : public ::testing::Test {
  protected:
    CgroupTest() {
        char name[] = "/tmp/faultline-cgroup-test-XXXXXX";
        group_ = ::mkdtemp(name);
    }
    ~CgroupTest() override { fs::remove_all(group_); }
    void file(const char* name, const char* text) { std::ofstream(group_ / name) << text; }

    fs::path group_;
    std::unique_ptr<Probe> probe_ = make_cgroup();
};

} // namespace

TEST_F(CgroupTest, ReadsGroupsOfVersion2FromAttachOn) {
    file("memory.stat", "anon 10\npgfault 100\npgmajfault 3\n");
    file("memory.events", "low 0\nmax 2\noom_kill 0\n");
    ASSERT_TRUE(probe_->attach({1, group_}));
    file("memory.stat", "anon 10\npgfault 150\npgmajfault 4\n");
    file("memory.events", "low 0\nmax 7\noom_kill 0\n");
    file("memory.peak", "8192\n");
    EXPECT_EQ(value_of(*probe_, "box_faults"), 50U);
    EXPECT_EQ(value_of(*probe_, "box_major_faults"), 1U);
    EXPECT_EQ(value_of(*probe_, "box_limit_hits"), 5U);
    EXPECT_EQ(value_of(*probe_, "box_peak_bytes"), 8192U);
    EXPECT_EQ(value_of(*probe_, "box_swap_bytes"), std::nullopt);
}

TEST_F(CgroupTest, ReadsGroupsOfVersion1) {
    file("memory.stat", "cache 1\nrss 2\nswap 4096\npgfault 10\n");
    file("memory.failcnt", "1\n");
    ASSERT_TRUE(probe_->attach({1, group_}));
    file("memory.failcnt", "4\n");
    EXPECT_EQ(value_of(*probe_, "box_limit_hits"), 3U);
    EXPECT_EQ(value_of(*probe_, "box_swap_bytes"), 4096U);
    EXPECT_EQ(value_of(*probe_, "box_faults"), 0U);
}

TEST_F(CgroupTest, TrialWithoutABoxHasNoFigures) {
    ASSERT_TRUE(probe_->attach({1, {}}));
    EXPECT_EQ(value_of(*probe_, "box_faults"), std::nullopt);
}
