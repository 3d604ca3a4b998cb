// The runner with programs in the checker's place that misbehave in every way they can.
#include "harness/stress/runner.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

using namespace faultline;
using namespace faultline::stress;

namespace {

const registry::Allocator libc{"system", "/lib/libc.so.6", false, "", "", ""};

class Runner : public testing::Test {
  protected:
    Runner() {
        std::string name = testing::TempDir() + "checker-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        settings.checker = folder_ / "checker";
        settings.variables = {{"PATH", "/usr/bin:/bin"}};
        settings.memory_limit_bytes = std::uint64_t{1} << 40;
    }
    ~Runner() override { std::filesystem::remove_all(folder_); }

    Observed run(const std::string& script, unsigned limit_s = 20) {
        std::ofstream(settings.checker) << "#!/bin/bash\n" << script << "\n";
        std::filesystem::permissions(settings.checker, std::filesystem::perms::owner_all);
        const Check check{"conformance.fake", "it holds", "a test", nullptr, limit_s};
        Task task;
        task.seed = 5;
        task.artifacts = "/a";
        auto seen = run_check(check, task, libc, settings);
        EXPECT_TRUE(seen) << seen.error().line();
        return seen ? *seen : Observed{};
    }

    Settings settings;

  private:
    std::filesystem::path folder_;
};

bool alive(const std::string& pid) {
    return ::kill(std::stoi(pid), 0) == 0;
}

} // namespace

TEST_F(Runner, HearsWhatTheCheckSays) {
    const Observed seen = run("echo loaded /x >&3; echo noise; echo 'failed byte 3 is wrong' >&3; exit 1");
    ASSERT_EQ(seen.said.size(), 2U);
    EXPECT_EQ(seen.said[1].word, "failed");
    EXPECT_EQ(seen.said[1].text, "byte 3 is wrong");
    EXPECT_EQ(seen.stderr_tail, "noise\n");
    EXPECT_EQ(seen.exit.status, 1);
    EXPECT_EQ(seen.orphans, 0U);
}

TEST_F(Runner, TellsTheCheckWhatToDo) {
    const Observed seen = run("echo \"note $*\" >&3");
    ASSERT_EQ(seen.said.size(), 1U);
    EXPECT_EQ(seen.said[0].text, "conformance.fake --seed=5 --seconds=0 --report-fd=3 --artifacts=/a");
}

TEST_F(Runner, EndsWhatHangs) {
    const Observed seen = run("echo note before >&3; sleep 1000", 1);
    EXPECT_TRUE(seen.timed_out);
    EXPECT_EQ(seen.said.size(), 1U);
    EXPECT_LT(seen.duration_ns, 15'000'000'000U);
}

TEST_F(Runner, SeesACrash) {
    EXPECT_EQ(run("kill -SEGV $$").exit.signal, SIGSEGV);
}

TEST_F(Runner, EndsWhatTakesTooMuchMemory) {
    settings.memory_limit_bytes = 40'000'000;
    const Observed seen = run("x=$(head -c 100000000 /dev/zero | tr '\\0' x); sleep 1000");
    EXPECT_TRUE(seen.memory_exceeded);
}

TEST_F(Runner, IsNotDrownedByTalk) {
    const Observed seen = run("yes 'note again' | head -c 50000000 >&3; yes | head -c 10000000");
    EXPECT_EQ(seen.exit.status, 0);
    EXPECT_LT(seen.said.size(), 200'000U);
    EXPECT_LT(seen.stderr_tail.size(), 10'000U);
}

TEST_F(Runner, StopsWhenTheUserWantsTo) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    ASSERT_EQ(::write(ends[1], "x", 1), 1);
    settings.stop_fd = ends[0];
    EXPECT_TRUE(run("sleep 1000").stopped);
    ::close(ends[0]);
    ::close(ends[1]);
}

// In the check's process group, in a session of their own, and orphans of those.
TEST_F(Runner, LeavesNoOrphans) {
    const Observed seen =
        run("sleep 1001 & echo note $! >&3\n"
            "setsid bash -c 'sleep 1002 & echo note $! >&3; echo note $$ >&3; wait' &\n"
            "setsid bash -c 'setsid sleep 1003 & echo note $! >&3' &\n"
            "while [ $(pgrep -cf 'sleep 100[123]') -lt 3 ]; do sleep 0.01; done; sleep 0.3");
    EXPECT_GE(seen.orphans, 2U);
    ASSERT_GE(seen.said.size(), 4U);
    for (const Said& said : seen.said) {
        EXPECT_FALSE(alive(said.text)) << said.text;
    }
}

TEST_F(Runner, LeavesNoOrphansOfWhatItEnded) {
    const Observed seen = run("setsid sleep 1004 & echo note $! >&3; sleep 1000", 1);
    EXPECT_TRUE(seen.timed_out);
    ASSERT_EQ(seen.said.size(), 1U);
    EXPECT_FALSE(alive(seen.said[0].text));
}
