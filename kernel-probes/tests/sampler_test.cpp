#include "kernel-probes/sampler.hpp"

#include "kernel-probes/tests/probe_testing.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sys/mman.h>
#include <thread>

using namespace faultline::probes;
using namespace std::chrono_literals;
using Deed = KnownChild::Deed;

namespace {

constexpr std::uint64_t ms = 1'000'000;

const Series& named(const std::vector<Series>& all, std::string_view name) {
    return *std::find_if(all.begin(), all.end(), [&](const Series& s) { return s.name == name; });
}

} // namespace

TEST(Sampler, SeesMemoryAndFaultsGrow) {
    auto child = KnownChild::start();
    ASSERT_TRUE(child);
    auto sampler = Sampler::start(child->pid(), 1 * ms);
    ASSERT_TRUE(sampler);
    std::this_thread::sleep_for(20ms);
    ASSERT_TRUE(child->do_deed(Deed::touch_pages, 4096));
    std::this_thread::sleep_for(20ms);
    const auto all = sampler->stop();
    const Series& rss = named(all, "rss_anon_bytes");
    ASSERT_GE(rss.values.size(), 2U);
    ASSERT_EQ(rss.values.size(), rss.at_ns.size());
    EXPECT_TRUE(std::is_sorted(rss.at_ns.begin(), rss.at_ns.end()));
    EXPECT_GE(rss.values.back() - rss.values.front(),
              4000U * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
    EXPECT_GE(named(all, "minor_faults").values.back() - named(all, "minor_faults").values.front(), 4096U);
    EXPECT_TRUE(sampler->stop().empty()); // once only
}

TEST(Sampler, ReadsGaugesFromSharedMemoryBesideProc) {
    auto child = KnownChild::start();
    ASSERT_TRUE(child);
    void* const shared = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(shared, MAP_FAILED);
    auto* const level = static_cast<std::atomic<std::uint64_t>*>(shared);
    const auto read = [](const void* from, std::uint64_t* values) {
        values[0] = *static_cast<const std::atomic<std::uint64_t>*>(from);
        values[1] = 7;
    };
    auto sampler = Sampler::start(child->pid(), 1 * ms, 2048, {{"level", "seven"}, read, shared});
    ASSERT_TRUE(sampler);
    std::this_thread::sleep_for(20ms);
    *level = 1000;
    std::this_thread::sleep_for(20ms);
    const auto all = sampler->stop();
    EXPECT_EQ(named(all, "level").values.front(), 0U);
    EXPECT_EQ(named(all, "level").values.back(), 1000U);
    EXPECT_EQ(named(all, "seven").values.back(), 7U);
    EXPECT_EQ(named(all, "level").values.size(), named(all, "rss_bytes").values.size());
    ::munmap(shared, 4096);
}

TEST(Sampler, FullRingKeepsTheWholeCourseAtHalfTheRate) {
    auto child = KnownChild::start();
    ASSERT_TRUE(child);
    auto sampler = Sampler::start(child->pid(), 100'000, 16);
    ASSERT_TRUE(sampler);
    std::this_thread::sleep_for(60ms);
    const auto all = sampler->stop();
    const Series& rss = named(all, "rss_bytes");
    ASSERT_GE(rss.at_ns.size(), 8U);
    ASSERT_LE(rss.at_ns.size(), 16U);
    EXPECT_TRUE(std::is_sorted(rss.at_ns.begin(), rss.at_ns.end()));
    EXPECT_GE(rss.at_ns.back() - rss.at_ns.front(), 30 * ms);
}

TEST(Sampler, ProcessThatEndsEndsTheSeriesAndMissingOneIsAnError) {
    std::optional<faultline::Result<Sampler>> sampler;
    {
        auto child = KnownChild::start();
        ASSERT_TRUE(child);
        sampler.emplace(Sampler::start(child->pid(), 1 * ms));
        ASSERT_TRUE(*sampler);
        std::this_thread::sleep_for(10ms);
    }
    std::this_thread::sleep_for(10ms);
    EXPECT_FALSE(named((*sampler)->stop(), "rss_bytes").values.empty());
    EXPECT_FALSE(Sampler::start(-1, 1 * ms));
}

// A runner that is killed must not leave its sampler behind.
TEST(Sampler, DiesWithTheRunner) {
    int report[2];
    ASSERT_EQ(::pipe(report), 0);
    const pid_t runner = ::fork();
    if (runner == 0) {
        auto sampler = Sampler::start(::getppid(), 1 * ms);
        std::ifstream children("/proc/self/task/" + std::to_string(::getpid()) + "/children");
        pid_t pid = -1;
        children >> pid;
        if (!sampler || ::write(report[1], &pid, sizeof pid) != sizeof pid) {
            ::_exit(1);
        }
        ::pause();
    }
    pid_t sampler = -1;
    ASSERT_EQ(::read(report[0], &sampler, sizeof sampler), static_cast<ssize_t>(sizeof sampler));
    ::close(report[0]);
    ::close(report[1]);
    if (sampler <= 0) {
        ::kill(runner, SIGKILL);
        ::waitpid(runner, nullptr, 0);
        GTEST_SKIP() << "SKIPPED: this kernel does not list children";
    }
    ::kill(runner, SIGKILL);
    ::waitpid(runner, nullptr, 0);
    const auto running = [&] {
        std::ifstream stat("/proc/" + std::to_string(sampler) + "/stat");
        std::string text;
        return std::getline(stat, text) && text.find(") Z") == std::string::npos;
    };
    for (int tries = 0; running() && tries < 500; ++tries) {
        std::this_thread::sleep_for(10ms);
    }
    EXPECT_FALSE(running());
}
