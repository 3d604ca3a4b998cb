// Many boxes in a row, some of them killed.
#include "harness/box/tests/box_testing.hpp"
#include "harness/box/undo.hpp"

#include <csignal>
#include <set>

using namespace faultline::box;
using namespace faultline::box::testing;
namespace fs = std::filesystem;

// What a kill at any moment may leave: of every five boxes one is killed, at a moment of its own.
TEST(ManyBoxes, FiftyBoxesOfWhichTenAreKilledLeaveTheHostAsItWas) {
    if (::geteuid() != 0 || !find_hierarchy()) {
        GTEST_SKIP() << "SKIPPED: a pressure box needs root, and control groups that take limits";
    }
    const HostState before;
    const bool has_huge_pages = !before.huge_pages.empty();
    const auto groups = [] {
        std::set<std::string> names;
        for (const auto& entry : fs::directory_iterator(find_hierarchy()->parent)) {
            if (entry.path().filename().string().starts_with(name_prefix)) {
                names.insert(entry.path().string());
            }
        }
        return names;
    };
    const auto groups_before = groups();
    for (int number = 0; number < 50; ++number) {
        const bool dies = number % 5 == 4;
        const bool zram = number % 2 == 0 && before.zram == "0\n";
        const Swap swap = *parse_swap(zram ? "zram:32M" : "file:32M");
        const pid_t runner = ::fork();
        if (runner == 0) {
            auto box = Box::make(32 * mib, swap, has_huge_pages ? "never" : "");
            auto cell = box ? box->cell() : tl::unexpected(box.error());
            const bool lived = cell && wait_for_toucher(*cell, 40 * mib) == 0;
            {
                auto end_cell = std::move(cell);
                auto end_box = std::move(box);
            }
            ::_exit(lived ? 0 : 1);
        }
        int status = 0;
        if (dies) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5 + 7 * number));
            ::kill(runner, SIGKILL);
        }
        ::waitpid(runner, &status, 0);
        EXPECT_TRUE(dies || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) << number;
        EXPECT_TRUE(goes_away(fs::path(journal_directory) / ("box-" + std::to_string(runner)))) << number;
    }
    EXPECT_EQ(HostState(), before);
    EXPECT_EQ(groups(), groups_before);
}
