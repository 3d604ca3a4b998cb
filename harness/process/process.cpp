#include "harness/process/process.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace faultline::process {
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

[[noreturn]] void die(const char* what) {
    const char* why = strerrordesc_np(errno);
    for (const char* part : {"faultline: ", what, ": ", why != nullptr ? why : "unknown error", "\n"}) {
        if (::write(STDERR_FILENO, part, std::strlen(part)) < 0) {
            break;
        }
    }
    ::_exit(127);
}

// In the child, after fork: only async-signal-safe calls.
[[noreturn]] void become(const Command& command, char* const* argv, char* const* environment, int gate,
                         int output, pid_t runner) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != runner) {
        ::_exit(127); // the runner was gone before the line above
    }
    const struct rlimit no_core = {0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core); // a crash is a result here, not something to keep gigabytes of
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (const int number : {SIGINT, SIGTERM, SIGPIPE}) {
        ::signal(number, SIG_DFL);
    }
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    // First out of the way of each other, then to where they belong; dup2 clears close-on-exec.
    int moved[8];
    std::size_t count = 0;
    for (const auto& [here, there] : command.inherit) {
        moved[count++] = ::fcntl(here, F_DUPFD_CLOEXEC, 64);
    }
    const int far_gate = ::fcntl(gate, F_DUPFD_CLOEXEC, 64);
    count = 0;
    for (const auto& [here, there] : command.inherit) {
        if (::dup2(moved[count++], there) < 0) {
            die("cannot pass a descriptor on");
        }
    }
    char go = 0;
    ssize_t n = 0;
    do {
        n = ::read(far_gate, &go, 1);
    } while (n < 0 && errno == EINTR);
    if (n != 1) {
        ::_exit(127);
    }
    ::execve(argv[0], argv, environment);
    die(argv[0]);
}

} // namespace

Result<Process> Process::start_stopped(const Command& command) {
    int gate[2];
    int output[2];
    if (::pipe2(gate, O_CLOEXEC) != 0) {
        return fail_errno(Exit::os, "", "cannot make a pipe", errno);
    }
    Fd gate_read(gate[0]);
    Fd gate_write(gate[1]);
    if (::pipe2(output, O_CLOEXEC) != 0) {
        return fail_errno(Exit::os, "", "cannot make a pipe", errno);
    }
    Fd output_read(output[0]);
    const Fd output_write(output[1]);
    ::fcntl(output_read.get(), F_SETFL, O_NONBLOCK);
    const std::vector<char*> argv = pointers(command.argv);
    const std::vector<char*> environment = pointers(command.environment);
    const pid_t runner = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) {
        return fail_errno(Exit::os, "", "cannot start a process", errno, "raise `ulimit -u` or free memory");
    }
    if (pid == 0) {
        become(command, argv.data(), environment.data(), gate_read.get(), output_write.get(), runner);
    }
    ::setpgid(pid, pid); // also here: whoever comes first, kill() must find the group
    Process process;
    process.pid_ = pid;
    process.gate_ = std::move(gate_write);
    process.stderr_ = std::move(output_read);
    process.pid_fd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!process.pid_fd_) {
        return fail_errno(Exit::os, "", "cannot watch a process (pidfd_open)", errno,
                          "faultline needs Linux 5.4 or newer");
    }
    return process;
}

void Process::release() {
    if (gate_) {
        const char go = 'g';
        [[maybe_unused]] const ssize_t n = ::write(gate_.get(), &go, 1);
        gate_.reset();
    }
}

void Process::kill() {
    if (pid_ > 0) {
        ::kill(-pid_, SIGKILL);
        ::kill(pid_, SIGKILL); // before setpgid in the child there is no group yet
    }
}

ExitStatus Process::reap() {
    ExitStatus result;
    if (pid_ <= 0) {
        return result;
    }
    int status = 0;
    // Wait without reaping first: as long as the leader is a zombie its number, and so its group, is nobody
    // else's.
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
    }
    ::kill(-pid_, SIGKILL);
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    if (WIFEXITED(status)) {
        result.status = WEXITSTATUS(status);
    } else if (WIFSIGNALED(status)) {
        result.signal = WTERMSIG(status);
    }
    return result;
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pid_fd_(std::move(other.pid_fd_)), gate_(std::move(other.gate_)),
      stderr_(std::move(other.stderr_)) {}

Process::~Process() {
    if (pid_ > 0) {
        kill();
        reap();
    }
}

} // namespace faultline::process
