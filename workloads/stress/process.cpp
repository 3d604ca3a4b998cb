#include "workloads/stress/process.hpp"

#include "workloads/engine/patience.hpp"
#include "workloads/stress/voice.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ; // NOLINT(readability-identifier-naming)

namespace faultline::stress {
namespace {

constexpr char again_variable[] = "FAULTLINE_CHECK_AGAIN=1";

std::uint64_t statm_bytes(unsigned field) {
    char text[128] = {};
    const int fd = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        [[maybe_unused]] const ssize_t n = ::read(fd, text, sizeof text - 1);
        ::close(fd);
    }
    char* at = text;
    std::uint64_t pages = 0;
    for (unsigned i = 0; i <= field; ++i) {
        pages = std::strtoull(at, &at, 10);
    }
    return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

} // namespace

pid_t fork_child() {
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) {
            ::_exit(status_failed);
        }
    }
    return pid;
}

ChildEnd wait_child(pid_t pid, unsigned seconds) {
    ChildEnd end;
    engine::Patience patience(seconds * 1'000'000'000ULL);
    for (useconds_t pause_us = 50; ::waitpid(pid, &end.status, WNOHANG) == 0;
         pause_us = pause_us < 10'000 ? pause_us * 2 : pause_us) {
        if (patience.over()) {
            end.hung = true;
            ::kill(pid, SIGKILL);
            ::waitpid(pid, &end.status, 0);
            break;
        }
        ::usleep(pause_us);
    }
    return end;
}

void expect_child_ended_well(pid_t pid, unsigned seconds, const char* which, unsigned number) {
    FAULTLINE_EXPECT(pid > 0, "%s %u: fork failed with errno %d", which, number, errno);
    const ChildEnd end = wait_child(pid, seconds);
    FAULTLINE_EXPECT(!end.hung, "%s %u did not end within %u s", which, number, seconds);
    FAULTLINE_EXPECT(!WIFSIGNALED(end.status), "%s %u died of signal %d", which, number,
                     WTERMSIG(end.status));
    FAULTLINE_EXPECT(end.status == 0, "%s %u ended with status %d", which, number, WEXITSTATUS(end.status));
}

std::uint64_t resident_bytes() {
    return statm_bytes(1);
}
std::uint64_t address_space_bytes() {
    return statm_bytes(0);
}
std::uint64_t data_bytes() {
    return statm_bytes(5);
}

bool again_after_exec() {
    return ::getenv("FAULTLINE_CHECK_AGAIN") != nullptr;
}

void exec_again() {
    static char line[8192]; // argv as the kernel has it, each with its end
    const int fd = ::open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    const ssize_t bytes = ::read(fd, line, sizeof line - 1);
    ::close(fd);
    static char* argv[64];
    std::size_t count = 0;
    for (ssize_t at = 0; at < bytes && count < 63; ++at) {
        if (at == 0 || line[at - 1] == '\0') {
            argv[count++] = line + at;
        }
    }
    static char variable[sizeof again_variable];
    std::snprintf(variable, sizeof variable, "%s", again_variable);
    ::putenv(variable);
    ::execve("/proc/self/exe", argv, environ);
    fail("cannot start the program again: errno %d", errno);
}

} // namespace faultline::stress
