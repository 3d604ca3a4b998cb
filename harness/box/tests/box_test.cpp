#include "harness/box/box.hpp"

#include "base/fd.hpp"
#include "base/file.hpp"
#include "harness/box/group.hpp"
#include "harness/box/host_mode.hpp"
#include "harness/box/tests/box_testing.hpp"
#include "harness/box/undo.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace faultline::box;
using faultline::Exit;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

using namespace faultline::box::testing;

namespace {

// A runner with a box and a cell, which tells the cell's path and stands still.
pid_t start_runner(const Swap& swap, fs::path& cell_path, std::string_view huge_pages = "") {
    int report[2];
    if (::pipe(report) != 0) {
        return -1;
    }
    const pid_t runner = ::fork();
    if (runner == 0) {
        auto box = Box::make(64 * mib, swap, huge_pages);
        auto cell = box ? box->cell() : tl::unexpected(box.error());
        const std::string path = cell ? cell->path().string() : "failed";
        (void)!::write(report[1], path.data(), path.size());
        ::close(report[1]);
        ::pause();
    }
    ::close(report[1]);
    char path[512] = {};
    (void)!::read(report[0], path, sizeof path - 1);
    ::close(report[0]);
    cell_path = path;
    return runner;
}

} // namespace

TEST(ParseSwap, KindsAndSizes) {
    EXPECT_EQ(parse_swap("none")->kind, Swap::Kind::none);
    EXPECT_EQ(parse_swap("zram:1G")->bytes, 1024 * mib);
    EXPECT_EQ(parse_swap("file:512M")->kind, Swap::Kind::file);
    for (const char* bad :
         {"", "zram", "zram:", "zram:0", "zram:1X", "disk:1G", "file:-1G", "file:99999999G", "zram:1K"}) {
        const auto swap = parse_swap(bad);
        ASSERT_FALSE(swap) << bad;
        EXPECT_EQ(swap.error().status, Exit::usage) << bad;
    }
}

TEST(Hierarchy, NearestGroupOfVersion2ThatHandsOutLimits) {
    char name[] = "/tmp/faultline-box-test-XXXXXX";
    const fs::path root = ::mkdtemp(name);
    const auto file = [&](const fs::path& path, const std::string& text) {
        fs::create_directories((root / path).parent_path());
        std::ofstream(root / path) << text;
    };
    file("proc/self/cgroup", "0::/user/session\n");
    file("sys/fs/cgroup/cgroup.subtree_control", "cpu memory pids\n");
    file("sys/fs/cgroup/user/cgroup.subtree_control", "cpu\n");
    file("sys/fs/cgroup/user/session/cgroup.subtree_control", "\n");
    auto found = find_hierarchy(root);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->version, 2);
    EXPECT_EQ(found->parent, root / "sys/fs/cgroup" / "");
    file("sys/fs/cgroup/cgroup.subtree_control", "cpu\n");
    found = find_hierarchy(root);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().status, Exit::unavailable);
    fs::remove_all(root);
}

TEST(Undo, LeavesAloneWhatWasNotMadeHere) {
    char name[] = "/tmp/faultline-box-test-XXXXXX";
    const fs::path directory = ::mkdtemp(name);
    std::ofstream(directory / "precious") << "x";
    std::ofstream(directory / "faultline-swap-1") << "x";
    fs::create_directory(directory / "group");
    undo("file " + (directory / "precious").string() + "\nfile " + (directory / "faultline-swap-1").string() +
         "\ncgroup " + (directory / "group").string() + "\nzram zram0 12345\nnonsense\n");
    EXPECT_TRUE(fs::exists(directory / "precious"));
    EXPECT_TRUE(fs::exists(directory / "group"));
    EXPECT_FALSE(fs::exists(directory / "faultline-swap-1"));
    fs::remove_all(directory);
}

TEST_F(BoxTest, TrialThatNeedsMoreThanTheLimitWithoutSwapIsKilledAndSaid) {
    auto box = Box::make(32 * mib, {});
    ASSERT_TRUE(box) << box.error().line();
    auto cell = box->cell();
    ASSERT_TRUE(cell) << cell.error().line();
    EXPECT_EQ(WTERMSIG(wait_for_toucher(*cell, 64 * mib)), SIGKILL);
    EXPECT_EQ(cell->oom_kills(), 1U);
    auto roomy = box->cell();
    ASSERT_TRUE(roomy);
    EXPECT_EQ(wait_for_toucher(*roomy, 8 * mib), 0);
    EXPECT_EQ(roomy->oom_kills(), 0U);
}

TEST_F(BoxTest, SwapLetsItLiveAndEverythingIsUndone) {
    const HostState before;
    for (const char* kind : {"zram:128M", "file:128M"}) {
        SCOPED_TRACE(kind);
        fs::path path;
        {
            auto box = Box::make(32 * mib, *parse_swap(kind));
            if (!box) {
                GTEST_SKIP() << "SKIPPED: " << box.error().line();
            }
            EXPECT_NE(HostState(), before);
            auto cell = box->cell();
            ASSERT_TRUE(cell) << cell.error().line();
            path = cell->path();
            EXPECT_EQ(wait_for_toucher(*cell, 64 * mib), 0);
        }
        EXPECT_FALSE(fs::exists(path));
        EXPECT_EQ(HostState(), before);
    }
}

TEST_F(BoxTest, GuardianUndoesWhatAKilledRunnerMade) {
    const HostState before;
    fs::path cell;
    const pid_t runner = start_runner({Swap::Kind::file, 16 * mib}, cell);
    ASSERT_TRUE(fs::exists(cell)) << cell;
    EXPECT_NE(HostState(), before);
    ::kill(runner, SIGKILL);
    ::waitpid(runner, nullptr, 0);
    EXPECT_TRUE(goes_away(cell));
    EXPECT_TRUE(goes_away(fs::path(journal_directory) / ("box-" + std::to_string(runner))));
    EXPECT_EQ(HostState(), before);
}

TEST_F(BoxTest, NextRunUndoesWhatAKilledGuardianLeftAndNothingOfTheLiving) {
    const HostState before;
    fs::path cell;
    const pid_t runner = start_runner({Swap::Kind::file, 16 * mib}, cell);
    ASSERT_TRUE(fs::exists(cell)) << cell;
    EXPECT_EQ(clean_leftovers(), 0U); // it lives
    EXPECT_TRUE(fs::exists(cell));
    pid_t guardian = 0;
    std::ifstream("/proc/" + std::to_string(runner) + "/task/" + std::to_string(runner) + "/children") >>
        guardian;
    ASSERT_GT(guardian, 0);
    ::kill(guardian, SIGKILL);
    ::kill(runner, SIGKILL);
    ::waitpid(runner, nullptr, 0);
    std::this_thread::sleep_for(100ms);
    EXPECT_TRUE(fs::exists(cell));
    EXPECT_EQ(clean_leftovers(), 1U);
    EXPECT_FALSE(fs::exists(cell));
    EXPECT_EQ(HostState(), before);
}

TEST_F(BoxTest, ModeOfHugePagesIsPutBackAfterTheEndAndAfterAKill) {
    const HostState before;
    if (before.huge_pages.empty()) {
        GTEST_SKIP() << "SKIPPED: this kernel has no transparent huge pages";
    }
    const std::string other = before.huge_pages.find("[never]") == std::string::npos ? "never" : "always";
    const auto in_force = [&] { return HostState().huge_pages.find("[" + other + "]") != std::string::npos; };
    {
        auto box = Box::make(64 * mib, {}, other);
        ASSERT_TRUE(box) << box.error().line();
        EXPECT_TRUE(in_force());
        fs::path refused;
        const pid_t second = start_runner({}, refused, "madvise");
        EXPECT_EQ(refused, "failed"); // two that set it could not both put it back
        ::kill(second, SIGKILL);
        ::waitpid(second, nullptr, 0);
        EXPECT_TRUE(in_force());
    }
    EXPECT_EQ(HostState(), before);
    fs::path cell;
    const pid_t runner = start_runner({}, cell, other);
    ASSERT_TRUE(fs::exists(cell)) << cell;
    EXPECT_TRUE(in_force());
    ::kill(runner, SIGKILL);
    ::waitpid(runner, nullptr, 0);
    EXPECT_TRUE(goes_away(fs::path(journal_directory) / ("box-" + std::to_string(runner))));
    EXPECT_EQ(HostState(), before);
}

TEST_F(BoxTest, PageCacheIsDroppedAndWarmed) {
    char name[] = "/var/tmp/faultline-box-test-XXXXXX";
    const faultline::Fd file(::mkstemp(name));
    const std::string text(mib, 'x');
    ASSERT_EQ(::write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ASSERT_EQ(::fsync(file.get()), 0);
    const auto pages_held = [&] {
        void* area = ::mmap(nullptr, mib, PROT_READ, MAP_SHARED, file.get(), 0);
        std::vector<unsigned char> held(mib / 4096);
        ::mincore(area, mib, held.data());
        ::munmap(area, mib);
        return std::count_if(held.begin(), held.end(), [](unsigned char page) { return (page & 1) != 0; });
    };
    EXPECT_EQ(pages_held(), 256);
    if (const auto dropped = drop_page_cache(); !dropped) {
        GTEST_SKIP() << "SKIPPED: " << dropped.error().line();
    }
    if (pages_held() > 0) {
        GTEST_SKIP() << "SKIPPED: /var/tmp's file system does not drop pages";
    }
    warm_page_cache({"/nowhere", name});
    EXPECT_EQ(pages_held(), 256);
    ::unlink(name);
}
