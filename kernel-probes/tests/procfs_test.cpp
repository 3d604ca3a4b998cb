#include "kernel-probes/layers.hpp"
#include "kernel-probes/procfs/parse.hpp"
#include "kernel-probes/tests/probe_testing.hpp"

#include <filesystem>
#include <fstream>

using namespace faultline::probes;
using namespace faultline::probes::procfs;
using faultline::probes::testing::value_of;
namespace fs = std::filesystem;
using Deed = KnownChild::Deed;

namespace {

const Wanted everything = [](std::string_view) { return true; };
Wanted only(std::string_view wanted) {
    return [wanted](std::string_view group) { return group == wanted; };
}

} // namespace

TEST(ProcfsParse, StatFieldsAreCountedAfterACommandWithBracketsAndSpaces) {
    constexpr std::string_view stat = "12 (a ) (b) R 1 12 12 0 -1 4194304 104 7 3 2 15 16";
    EXPECT_EQ(stat_field(stat, 10), 104U);
    EXPECT_EQ(stat_field(stat, 15), 16U);
    EXPECT_EQ(stat_field(stat, 16), std::nullopt);
    EXPECT_EQ(stat_field(stat, 8), std::nullopt); // -1: not a count
    EXPECT_EQ(stat_field("", 10), std::nullopt);
}

TEST(ProcfsParse, FieldMatchesWholeKeysAndSumsOnlyWhenAsked) {
    constexpr std::string_view text =
        "VmRSSx:\t1 kB\nVmRSS:\t  1740 kB\npgalloc_dma 2\npgalloc_normal 40\nbad x\n";
    EXPECT_EQ(field(text, "VmRSS"), 1740U);
    EXPECT_EQ(field(text, "pgalloc_*"), 42U);
    EXPECT_EQ(field(text, "pgalloc"), std::nullopt);
    EXPECT_EQ(field(text, "bad"), std::nullopt);
    EXPECT_EQ(field(text, "none*"), std::nullopt);
}

TEST(ProcfsParse, PressureTotalIsThatOfItsOwnLine) {
    constexpr std::string_view text =
        "some avg10=0.00 avg60=0.13 avg300=0.20 total=8589354\nfull avg10=0.00 total=7\n";
    EXPECT_EQ(pressure_total_us(text, "some"), 8589354U);
    EXPECT_EQ(pressure_total_us(text, "full"), 7U);
    EXPECT_EQ(pressure_total_us("some avg10=0.00\n", "some"), std::nullopt);
}

TEST(Procfs, PagesTouchedAreCountedWithinTwoPercent) {
    auto child = KnownChild::start();
    ASSERT_TRUE(child);
    const auto probe = make_procfs(only("faults"));
    ASSERT_TRUE(probe->attach({child->pid()}));
    constexpr std::uint32_t pages = 5000;
    ASSERT_TRUE(child->do_deed(Deed::touch_pages, pages));
    EXPECT_NEAR(static_cast<double>(value_of(*probe, "minor_faults").value()), pages, pages * 0.02);
}

TEST(Procfs, MajorFaultsAreThoseThatReadTheFile) {
    auto child = KnownChild::start();
    ASSERT_TRUE(child);
    const auto probe = make_procfs(everything);
    ASSERT_TRUE(probe->attach({child->pid()}));
    if (!child->do_deed(Deed::touch_file, 16)) {
        GTEST_SKIP() << "SKIPPED: /var/tmp's file system does not drop pages";
    }
    EXPECT_GE(value_of(*probe, "major_faults").value(), 16U);
    EXPECT_GE(value_of(*probe, "storage_read_bytes").value(), 16U * 4096);
}

TEST(Procfs, ResidentMemoryGrowsByWhatWasTouchedAndThePeakStays) {
    auto child = KnownChild::start();
    ASSERT_TRUE(child);
    const auto probe = make_procfs(everything);
    ASSERT_TRUE(probe->attach({child->pid()}));
    const std::uint64_t before = value_of(*probe, "rss_anon_bytes").value();
    const std::uint64_t exact_before = value_of(*probe, "anonymous_bytes").value();
    ASSERT_TRUE(child->do_deed(Deed::touch_pages, 4096));
    const double touched = 4096.0 * static_cast<double>(::sysconf(_SC_PAGESIZE));
    EXPECT_NEAR(static_cast<double>(value_of(*probe, "rss_anon_bytes").value() - before), touched,
                touched * 0.1);
    EXPECT_NEAR(static_cast<double>(value_of(*probe, "anonymous_bytes").value() - exact_before), touched,
                touched * 0.02);
    EXPECT_GE(value_of(*probe, "peak_rss_bytes").value(), static_cast<std::uint64_t>(touched));
}

TEST(Procfs, SwitchesOfLiveThreadsAreCountedAndAreAbsentOnceAThreadHasEnded) {
    auto child = KnownChild::start();
    ASSERT_TRUE(child);
    const auto probe = make_procfs(only("scheduling"));
    ASSERT_TRUE(probe->attach({child->pid()}));
    ASSERT_TRUE(child->do_deed(Deed::sleep, 50));
    EXPECT_GE(value_of(*probe, "voluntary_switches").value(), 50U);
    EXPECT_LE(value_of(*probe, "voluntary_switches").value(), 60U);
    ASSERT_TRUE(child->do_deed(Deed::thread_sleep, 50));
    EXPECT_EQ(value_of(*probe, "voluntary_switches"), std::nullopt);
}

TEST(Procfs, ProcessThatVanishedHasNoFiguresAndDoesNotFail) {
    const auto probe = make_procfs(everything);
    {
        auto child = KnownChild::start();
        ASSERT_TRUE(child);
        ASSERT_TRUE(probe->attach({child->pid()}));
    }
    EXPECT_EQ(value_of(*probe, "minor_faults"), std::nullopt);
    EXPECT_EQ(value_of(*probe, "rss_bytes"), std::nullopt);
    EXPECT_TRUE(value_of(*probe, "host_page_faults").has_value());
    probe->finish();
    EXPECT_FALSE(make_procfs(everything)->attach({-1}));
}

class FakeProc : public ::testing::Test {
  protected:
    FakeProc() {
        char name[] = "/tmp/faultline-proc-test-XXXXXX";
        directory_ = ::mkdtemp(name);
    }
    ~FakeProc() override { fs::remove_all(directory_); }
    void file(const std::string& name, const std::string& content) {
        fs::create_directories((directory_ / name).parent_path());
        std::ofstream(directory_ / name) << content;
    }
    fs::path directory_;
};

TEST_F(FakeProc, HostCountersCountFromAttachAndMissingLinesAreAbsent) {
    file("7/stat", "7 (x) R 1");
    file("vmstat", "pswpin 10\npgalloc_dma 1\npgalloc_normal 5\nnr_file_pages 100\n");
    const auto probe = make_procfs(everything, directory_);
    ASSERT_TRUE(probe->attach({7}));
    file("vmstat", "pswpin 14\npgalloc_dma 2\npgalloc_normal 9\nnr_file_pages 90\n");
    EXPECT_EQ(value_of(*probe, "host_swap_in_pages"), 4U);
    EXPECT_EQ(value_of(*probe, "host_pages_allocated"), 5U);
    EXPECT_EQ(value_of(*probe, "host_file_pages"), 90U);
    EXPECT_EQ(value_of(*probe, "host_swap_out_pages"), std::nullopt);
    EXPECT_EQ(value_of(*probe, "host_cpu_pressure_ns"), std::nullopt);
    EXPECT_EQ(value_of(*probe, "minor_faults"), std::nullopt);
}

TEST_F(FakeProc, CapabilityOfMissingFilesNamesThemWithErrnoAndRemedy) {
    file("vmstat", "pswpin 10\n");
    for (const Capability& capability : make_procfs(everything, directory_)->check()) {
        SCOPED_TRACE(capability.group);
        EXPECT_EQ(capability.status, capability.group == "swap" ? Status::degraded : Status::unavailable);
        EXPECT_FALSE(capability.reason.empty());
        EXPECT_FALSE(capability.remedy.empty());
        if (capability.group == "psi") {
            EXPECT_EQ(capability.errno_value, ENOENT);
            EXPECT_NE(capability.remedy.find("psi=1"), std::string::npos);
        }
    }
}

TEST_F(FakeProc, FileThatDoesNotMoveWithTheDeedIsUnavailable) {
    file("vmstat", "pgfault 10\npgmajfault 1\n");
    const auto capabilities = make_procfs(only("vmstat"), directory_)->check();
    ASSERT_EQ(capabilities.size(), 1U);
    EXPECT_EQ(capabilities[0].status, Status::unavailable);
    EXPECT_EQ(capabilities[0].reason, "host_page_faults counted 0 of a deed worth 64");
}

TEST(Procfs, OrdinaryUsersHaveTheProcessGroupsToo) {
    const auto all_there = [] {
        for (const Capability& capability : make_procfs(everything)->check()) {
            for (const std::string_view group : {"faults", "cpu", "rss", "smaps", "io"}) {
                if (capability.group == group && capability.status != Status::ok) {
                    std::fprintf(stderr, "%s: %s\n", capability.group.c_str(), capability.reason.c_str());
                    return false;
                }
            }
        }
        return true;
    };
    if (::geteuid() != 0) {
        EXPECT_TRUE(all_there());
        return;
    }
    EXPECT_TRUE(faultline::probes::testing::passes_as_ordinary_user(all_there));
}
