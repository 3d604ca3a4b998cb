#include "workloads/stress/ordeal/spawn.hpp"

#include "workloads/engine/crowding.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <utility>

extern char** environ;

namespace faultline::stress {
namespace {

constexpr timespec between_looks = {0, 10'000'000};

std::vector<std::string> environment_with(const std::string& preload) {
    std::vector<std::string> all;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        if (!std::string_view(*entry).starts_with("LD_PRELOAD=")) {
            all.emplace_back(*entry);
        }
    }
    if (!preload.empty()) {
        all.push_back("LD_PRELOAD=" + preload);
    }
    return all;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> all;
    all.reserve(strings.size() + 1);
    for (std::string& text : strings) {
        all.push_back(text.data());
    }
    all.push_back(nullptr);
    return all;
}

// In the child: only async-signal-safe calls.
[[noreturn]] void become(const Worker& worker, char* const* argv, char* const* environment, int pulse,
                         pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent || ::dup2(pulse, pulse_fd) < 0) {
        ::_exit(127);
    }
    if (worker.plan_fd >= 0 && ::dup2(worker.plan_fd, plan_fd_number) < 0) {
        ::_exit(127);
    }
    if (worker.silent) {
        const int null = ::open("/dev/null", O_WRONLY);
        ::dup2(null, STDOUT_FILENO);
        ::dup2(null, STDERR_FILENO);
    }
    if (worker.output_fd >= 0 &&
        (::dup2(worker.output_fd, STDOUT_FILENO) < 0 || ::dup2(worker.output_fd, STDERR_FILENO) < 0)) {
        ::_exit(127);
    }
    if (worker.prepare != nullptr && !worker.prepare(worker.context)) {
        ::_exit(127);
    }
    ::execve("/proc/self/exe", argv, environment);
    ::_exit(127);
}

} // namespace

Pulse& map_pulse(int fd) {
    void* page = ::mmap(nullptr, sizeof(Pulse), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) {
        ::_exit(static_cast<int>(Exit::os));
    }
    return *static_cast<Pulse*>(page); // a new file is zeros, which is what a Pulse begins with
}

Result<Running> Running::start(const Worker& worker) {
    const Fd page(::memfd_create("faultline-pulse", MFD_CLOEXEC));
    if (!page || ::ftruncate(page.get(), sizeof(Pulse)) != 0) {
        return fail_errno(Exit::os, "", "cannot make shared memory", errno);
    }
    std::vector<std::string> arguments = worker.arguments;
    arguments.insert(arguments.begin(), "faultline-ordeal");
    const std::vector<char*> argv = pointers(arguments);
    std::vector<std::string> variables = environment_with(worker.preload);
    const std::vector<char*> environment = pointers(variables);
    const pid_t parent = ::getpid();
    Running running;
    running.pulse_ = &map_pulse(page.get());
    running.pid_ = ::fork();
    if (running.pid_ < 0) {
        return fail_errno(Exit::os, "", "cannot start a process", errno);
    }
    if (running.pid_ == 0) {
        become(worker, argv.data(), environment.data(), page.get(), parent);
    }
    return running;
}

Running::Running(Running&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pulse_(std::exchange(other.pulse_, nullptr)),
      last_progress_(other.last_progress_), looks_(other.looks_) {}

Running::~Running() {
    kill();
    if (pulse_ != nullptr) {
        ::munmap(pulse_, sizeof(Pulse));
    }
}

void Running::kill() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
        pid_ = -1;
    }
}

bool Running::ended(unsigned most_looks, std::uint64_t most_bytes, Ending& ending) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
        pid_ = -1;
        ending = WIFEXITED(status) ? Ending{Ending::Kind::exited, WEXITSTATUS(status)}
                                   : Ending{Ending::Kind::killed, WTERMSIG(status)};
        return true;
    }
    // Looks are counted, not seconds, and more of them where the processors are crowded: on a machine that stands still
    // for a while nothing hangs.
    const std::uint64_t progress = pulse_->progress.load(std::memory_order_relaxed);
    looks_ = progress == last_progress_ ? looks_ + 1 : 0;
    last_progress_ = progress;
    if (looks_ > most_looks && looks_ > most_looks * engine::crowding()) {
        ending = {Ending::Kind::hung, 0};
        kill();
        return true;
    }
    if (looks_ % 10 == 0) {
        if (const std::uint64_t bytes = resident_bytes_of(pid_); bytes > most_bytes) {
            ending = {Ending::Kind::overfull, static_cast<int>(bytes >> 20)};
            kill();
            return true;
        }
    }
    ::nanosleep(&between_looks, nullptr);
    return false;
}

std::string describe(const Ending& ending) {
    switch (ending.kind) {
    case Ending::Kind::exited:
        return "ended with status " + std::to_string(ending.number);
    case Ending::Kind::killed: {
        const char* name = ::sigabbrev_np(ending.number);
        return name != nullptr ? std::string("was killed by SIG") + name
                               : "was killed by signal " + std::to_string(ending.number);
    }
    case Ending::Kind::hung:
        return "made no progress any more";
    case Ending::Kind::overfull:
        return "took " + std::to_string(ending.number) + " MiB of memory";
    }
    return "";
}

std::uint64_t resident_bytes_of(pid_t pid) {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%d/statm", static_cast<int>(pid));
    const Fd file(::open(path, O_RDONLY | O_CLOEXEC));
    char text[128] = {};
    if (!file || ::read(file.get(), text, sizeof text - 1) <= 0) {
        return 0;
    }
    unsigned long size = 0;
    unsigned long resident = 0;
    return std::sscanf(text, "%lu %lu", &size, &resident) == 2
               ? resident * static_cast<unsigned long>(::getpagesize())
               : 0;
}

} // namespace faultline::stress
