// The injector with this process's own child in the worker's place.
#include "workloads/stress/faults/injector.hpp"

#include "workloads/engine/clock.hpp"

#include <algorithm>
#include <cerrno>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace faultline;
using namespace faultline::stress;

namespace {

constexpr std::size_t calls = 3;

// What a child saw of its calls.
struct Seen {
    Pulse pulse;
    int error[calls];
    std::uint64_t took_ns[calls];
};

const Victim& victim(std::string_view name) {
    const auto all = victims();
    return *std::find_if(all.begin(), all.end(), [&](const Victim& one) { return one.name == name; });
}

class InjectorTest : public testing::Test {
  protected:
    InjectorTest()
        : seen_(*static_cast<Seen*>(
              ::mmap(nullptr, sizeof(Seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
    ~InjectorTest() override { ::munmap(&seen_, sizeof(Seen)); }

    // A child calls munmap thrice in stage 1.
    void run(Injector& injector) {
        seen_.pulse.stage = 1;
        const pid_t child = ::fork();
        if (child == 0) {
            if (!Injector::prepare(&injector)) {
                ::_exit(1);
            }
            for (std::size_t i = 0; i < calls; ++i) {
                void* page = ::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                const std::uint64_t begin = engine::monotonic_ns();
                seen_.error[i] = ::munmap(page, 4096) == 0 ? 0 : errno;
                seen_.took_ns[i] = engine::monotonic_ns() - begin;
            }
            ::_exit(0);
        }
        const auto attends = injector.attend(seen_.pulse, child);
        int status = 0;
        ::waitpid(child, &status, 0);
        injector.finish();
        if (!attends) {
            GTEST_SKIP() << attends.error().line();
        }
        ASSERT_EQ(status, 0);
    }

    Seen& seen_;
};

} // namespace

TEST_F(InjectorTest, FailsTheChosenCallAlone) {
    Injector injector({&victim("munmap"), 1, 2});
    run(injector);
    EXPECT_EQ(seen_.error[0], 0);
    EXPECT_EQ(seen_.error[1], ENOMEM);
    EXPECT_EQ(seen_.error[2], 0);
    EXPECT_EQ(injector.seen(), 3U);
    EXPECT_EQ(injector.injected(), 1U);
}

TEST_F(InjectorTest, TellsCallsThatAreAlikeByOneKind) {
    Injector injector({&victim("munmap"), 1});
    run(injector);
    ASSERT_EQ(injector.kinds().size(), calls);
    EXPECT_EQ(injector.kinds()[0], injector.kinds()[2]);
}

TEST_F(InjectorTest, DelaysTheChosenCallsAndFailsNone) {
    constexpr unsigned delay_us = 40'000;
    Injector injector({&victim("munmap"), 1, 2, UINT64_MAX, delay_us});
    run(injector);
    for (const int error : seen_.error) {
        EXPECT_EQ(error, 0);
    }
    EXPECT_GE(seen_.took_ns[1], delay_us * 1000U);
    EXPECT_GE(seen_.took_ns[2], delay_us * 1000U);
    EXPECT_EQ(injector.injected(), 2U);
}

TEST_F(InjectorTest, LeavesOtherStagesAlone) {
    Injector injector({&victim("munmap"), 2, 1, UINT64_MAX});
    run(injector);
    EXPECT_EQ(seen_.error[0] + seen_.error[1] + seen_.error[2], 0);
    EXPECT_EQ(injector.seen(), 0U);
}
