#include "workloads/apps/runner/program.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace faultline::apps {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> out;
    out.reserve(strings.size() + 1);
    for (const std::string& text : strings) {
        out.push_back(const_cast<char*>(text.c_str())); // execve does not write to them
    }
    out.push_back(nullptr);
    return out;
}

// In the child: errno goes to the parent through `failed`, which a successful exec closes.
[[noreturn]] void become(const Launch& launch, char* const* argv, char* const* environment, int failed,
                         pid_t parent) {
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, STDIN_FILENO);
    ::dup2(launch.output, STDOUT_FILENO);
    ::dup2(launch.error, STDERR_FILENO);
    const bool well = ::chdir(launch.directory.c_str()) == 0 &&
                      (!launch.as_nobody ||
                       (::setgroups(0, nullptr) == 0 && ::setgid(nobody) == 0 && ::setuid(nobody) == 0));
    ::prctl(PR_SET_PDEATHSIG, SIGKILL); // behind setuid, which clears it
    if (well && ::getppid() == parent) {
        ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
        ::execve(argv[0], argv, environment);
    }
    const int reason = errno;
    [[maybe_unused]] const ssize_t written = ::write(failed, &reason, sizeof reason);
    ::_exit(127);
}

} // namespace

bool Ended::well(int expected) const {
    return WIFEXITED(status) && WEXITSTATUS(status) == expected;
}

std::string Ended::what() const {
    if (WIFEXITED(status)) {
        return "exited with status " + std::to_string(WEXITSTATUS(status));
    }
    const char* name = ::sigabbrev_np(WTERMSIG(status));
    return std::string("killed by SIG") + (name != nullptr ? name : "?");
}

Result<Program> Program::start(const Launch& launch) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return fail_errno(Exit::os, "", "cannot make a pipe", errno);
    }
    const Fd failed_read(ends[0]);
    Fd failed_write(ends[1]);
    const std::vector<char*> argv = pointers(launch.words);
    const std::vector<char*> environment = pointers(launch.environment);
    const pid_t parent = ::getpid();
    Program program;
    program.pid_ = ::fork();
    if (program.pid_ < 0) {
        return fail_errno(Exit::os, "", "cannot start a process", errno, "raise `ulimit -u` or free memory");
    }
    if (program.pid_ == 0) {
        become(launch, argv.data(), environment.data(), failed_write.get(), parent);
    }
    failed_write.reset();
    program.pid_fd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, program.pid_, 0)));
    int reason = 0;
    if (::read(failed_read.get(), &reason, sizeof reason) == sizeof reason) {
        program.wait();
        return fail_errno(Exit::unavailable, launch.words.front(), "cannot be executed", reason);
    }
    return program;
}

std::optional<Ended> Program::poll() {
    Ended ended;
    const pid_t got = ::wait4(pid_, &ended.status, WNOHANG, &ended.usage);
    return got == pid_ ? std::optional(ended) : std::nullopt;
}

Ended Program::wait() {
    Ended ended;
    while (::wait4(pid_, &ended.status, 0, &ended.usage) < 0 && errno == EINTR) {
    }
    return ended;
}

} // namespace faultline::apps
