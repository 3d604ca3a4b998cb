#include "harness/process/environment.hpp"
#include "harness/process/process.hpp"

#include <algorithm>
#include <csignal>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace faultline;
using process::Command;
using process::Process;

namespace {

Command shell(const std::string& script) {
    return {{"/bin/sh", "-c", script}, {"PATH=/usr/bin:/bin"}, {}};
}

std::string all_output(Process& process) {
    std::string text;
    for (;;) {
        pollfd fd{process.stderr_fd(), POLLIN, 0};
        ::poll(&fd, 1, 5000);
        char buffer[256];
        const ssize_t n = ::read(process.stderr_fd(), buffer, sizeof buffer);
        if (n <= 0) {
            return text;
        }
        text.append(buffer, static_cast<std::size_t>(n));
    }
}

} // namespace

TEST(Process, DoesNothingBeforeItIsReleased) {
    auto process = Process::start_stopped(shell("echo on"));
    ASSERT_TRUE(process);
    pollfd fd{process->pid_fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&fd, 1, 100), 0);
    process->release();
    EXPECT_EQ(all_output(*process), "on\n");
    EXPECT_EQ(process->reap().status, 0);
}

TEST(Process, StatusAndSignalAreToldApart) {
    auto exits = Process::start_stopped(shell("exit 7"));
    exits->release();
    EXPECT_EQ(exits->reap().status, 7);
    auto dies = Process::start_stopped(shell("kill -SEGV $$"));
    dies->release();
    EXPECT_EQ(dies->reap().signal, SIGSEGV);
}

TEST(Process, KillTakesItsChildrenWithIt) {
    auto process = Process::start_stopped(shell("sleep 1000 & echo $!; wait"));
    process->release();
    pollfd fd{process->stderr_fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&fd, 1, 5000), 1);
    char buffer[32] = {};
    ASSERT_GT(::read(process->stderr_fd(), buffer, sizeof buffer - 1), 0);
    const pid_t grandchild = std::atoi(buffer);
    process->kill();
    EXPECT_EQ(process->reap().signal, SIGKILL);
    for (int i = 0; i < 500 && ::kill(grandchild, 0) == 0; ++i) {
        ::usleep(10'000); // until init has reaped it
        if (::access(("/proc/" + std::to_string(grandchild) + "/exe").c_str(), F_OK) != 0) {
            break; // a zombie: dead, but nobody has asked yet
        }
    }
    EXPECT_NE(::access(("/proc/" + std::to_string(grandchild) + "/exe").c_str(), F_OK), 0);
}

TEST(Process, DescriptorsArriveUnderTheirNumbers) {
    const Fd first(::memfd_create("first", MFD_CLOEXEC));
    const Fd second(::memfd_create("second", MFD_CLOEXEC));
    Command command = shell("printf a >&3; printf b >&4");
    command.inherit = {{second.get(), 3}, {first.get(), 4}};
    auto process = Process::start_stopped(command);
    process->release();
    EXPECT_EQ(process->reap().status, 0);
    char byte = 0;
    EXPECT_EQ(::pread(second.get(), &byte, 1, 0), 1);
    EXPECT_EQ(byte, 'a');
    EXPECT_EQ(::pread(first.get(), &byte, 1, 0), 1);
    EXPECT_EQ(byte, 'b');
}

TEST(Process, AProgramThatCannotRunSaysSo) {
    auto process = Process::start_stopped({{"/nonexistent/program"}, {}, {}});
    ASSERT_TRUE(process);
    process->release();
    EXPECT_NE(all_output(*process).find("/nonexistent/program: No such file"), std::string::npos);
    EXPECT_EQ(process->reap().status, 127);
}

TEST(Environment, KeepsTuningVariablesAndDropsTheRest) {
    const char* const given[] = {"PATH=/bin",        "MALLOC_CONF=a:b", "MIMALLOC_VERBOSE=1",
                                 "LD_PRELOAD=/x.so", "EDITOR=vi",       nullptr};
    const auto variables = process::inherited(given, {{"MALLOC_CONF", "c:d"}});
    EXPECT_EQ(variables,
              (process::Variables{{"PATH", "/bin"}, {"MALLOC_CONF", "c:d"}, {"MIMALLOC_VERBOSE", "1"}}));
}

TEST(Environment, PreloadsOnlyWhereAskedAndPadsAsAsked) {
    const auto with = process::worker_environment({}, "/opt/a.so", 10);
    EXPECT_NE(std::find(with.begin(), with.end(), "LD_PRELOAD=/opt/a.so"), with.end());
    EXPECT_NE(std::find(with.begin(), with.end(), "FAULTLINE_PADDING=xxxxxxxxxx"), with.end());
    const auto without = process::worker_environment({}, "", 0);
    EXPECT_TRUE(std::none_of(without.begin(), without.end(),
                             [](const auto& v) { return v.starts_with("LD_PRELOAD"); }));
}
