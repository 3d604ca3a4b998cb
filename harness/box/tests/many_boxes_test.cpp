// Many boxes in a row, some of them killed, each with the probes of a trial.
#include "harness/box/tests/box_testing.hpp"
#include "harness/box/undo.hpp"
#include "kernel-probes/layers.hpp"

#include <csignal>
#include <cstring>
#include <linux/bpf.h>
#include <set>
#include <sys/syscall.h>

using namespace faultline::box;
using namespace faultline::box::testing;
namespace fs = std::filesystem;

namespace {

// All that are loaded, by number; empty where this kernel does not say.
std::set<std::uint32_t> bpf_programs() {
    std::set<std::uint32_t> programs;
    bpf_attr next;
    std::memset(&next, 0, sizeof next);
    while (::syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &next, sizeof next) == 0) {
        programs.insert(next.next_id);
        next.start_id = next.next_id;
    }
    return programs;
}

// The kernel takes a dead process's programs away a moment after it, and others may be at work for a while.
bool are_no_others(const std::set<std::uint32_t>& before) {
    for (int tries = 0; tries < 600; ++tries) {
        const auto now = bpf_programs();
        if (std::includes(before.begin(), before.end(), now.begin(), now.end())) {
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
}

} // namespace

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
    const auto programs_before = bpf_programs();
    std::size_t most_programs = 0;
    for (int number = 0; number < 50; ++number) {
        const bool dies = number % 5 == 4;
        const bool zram = number % 2 == 0 && before.zram == "0\n";
        const Swap swap = *parse_swap(zram ? "zram:32M" : "file:32M");
        const pid_t runner = ::fork();
        if (runner == 0) {
            auto box = Box::make(32 * mib, swap, has_huge_pages ? "never" : "");
            auto cell = box ? box->cell() : tl::unexpected(box.error());
            const auto probe = faultline::probes::make_bpf_tp([](std::string_view) { return true; });
            (void)probe->check();
            (void)!probe->attach({::getpid()}); // where it can be
            const bool lived = cell && wait_for_toucher(*cell, 40 * mib) == 0;
            {
                auto end_cell = std::move(cell);
                auto end_box = std::move(box);
            }
            ::_exit(lived ? 0 : 1);
        }
        int status = 0;
        if (dies) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5 + 20 * number));
            most_programs = std::max(most_programs, bpf_programs().size());
            ::kill(runner, SIGKILL);
        }
        ::waitpid(runner, &status, 0);
        EXPECT_TRUE(dies || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) << number;
        EXPECT_TRUE(goes_away(fs::path(journal_directory) / ("box-" + std::to_string(runner)))) << number;
    }
    EXPECT_EQ(HostState(), before);
    EXPECT_EQ(groups(), groups_before);
    EXPECT_TRUE(are_no_others(programs_before));
    std::printf("at a kill at most %zu BPF programs were loaded, %zu before\n", most_programs,
                programs_before.size());
}
