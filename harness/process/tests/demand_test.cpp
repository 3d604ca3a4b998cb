#include "harness/process/demand.hpp"

#include <csignal>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace faultline::process;

namespace {

// A child on one processor of this process, that ends with this object.
class Child {
  public:
    explicit Child(void (*body)(), int policy = SCHED_OTHER) : pid_(::fork()) {
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            const sched_param none{};
            cpu_set_t one;
            cpu_set_t mine;
            CPU_ZERO(&one);
            ::sched_getaffinity(0, sizeof mine, &mine);
            for (unsigned cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
                if (CPU_ISSET(cpu, &mine)) {
                    CPU_SET(cpu, &one);
                }
            }
            ::sched_setaffinity(0, sizeof one, &one);
            ::sched_setscheduler(0, policy, &none);
            body();
            ::_exit(0);
        }
    }
    ~Child() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    pid_t pid() const { return pid_; }

  private:
    pid_t pid_;
};

void spin() {
    for (;;) {
        asm volatile("");
    }
}
void sleep_on() {
    for (;;) {
        ::pause();
    }
}
void let_a_child_spin() {
    const Child child(spin, SCHED_IDLE);
    sleep_on();
}

Demand of_a_second(const Child& child) {
    ::usleep(100'000); // until it has begun
    DemandWatch watch(child.pid());
    watch.look();
    ::usleep(1'000'000);
    return watch.look();
}

} // namespace

TEST(Demand, OfAProcessThatSleepsIsNone) {
    const Child child(sleep_on);
    EXPECT_LT(of_a_second(child).wants, 0.2);
}

TEST(Demand, OfOneThatSpinsIsWhole) {
    const Child child(spin);
    EXPECT_GT(of_a_second(child).wants, 0.8);
}

TEST(Demand, IsHardlyServedBehindAnother) {
    const Child first(spin);
    const Child child(spin, SCHED_IDLE);
    const Demand demand = of_a_second(child);
    EXPECT_GT(demand.wants, 0.8);
    EXPECT_LT(demand.gets, 0.2);
}

TEST(Demand, OfADescendantCounts) {
    const Child first(spin);
    const Child child(let_a_child_spin);
    const Demand demand = of_a_second(child);
    EXPECT_GT(demand.wants, 0.8);
    EXPECT_LT(demand.gets, 0.2);
}

TEST(Demand, OfAProcessThatIsGoneIsNone) {
    DemandWatch watch(999'999'999);
    watch.look();
    EXPECT_EQ(watch.look().wants, 0);
}
