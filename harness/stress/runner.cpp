#include "harness/stress/runner.hpp"

#include "base/file.hpp"
#include "harness/process/demand.hpp"
#include "harness/process/observe.hpp"
#include "workloads/engine/patience.hpp"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

namespace faultline::stress {
namespace {

constexpr int checker_report_fd = 3;
constexpr int tick_ms = 20;                      // how often memory and time are looked at
constexpr std::size_t most_said_bytes = 1 << 20; // a check that talks without end is not listened to further

process::Command checker_command(const Check& check, const Task& task, const registry::Allocator& allocator,
                                 const Settings& settings, int report_fd) {
    process::Command command;
    command.argv = {settings.checker.string(), std::string(check.name), "--seed=" + std::to_string(task.seed),
                    "--seconds=" + std::to_string(task.seconds),
                    "--report-fd=" + std::to_string(checker_report_fd)};
    if (!task.artifacts.empty()) {
        command.argv.push_back("--artifacts=" + task.artifacts);
    }
    if (!task.trace.empty()) {
        command.argv.push_back("--trace=" + task.trace);
    }
    command.environment = process::worker_environment(
        settings.variables, allocator.preload ? allocator.path : std::filesystem::path(), 0);
    command.inherit = {{report_fd, checker_report_fd}};
    return command;
}

void collect(int fd, std::string& text) {
    char buffer[4096];
    ssize_t n = 0;
    while ((n = ::read(fd, buffer, sizeof buffer)) > 0) {
        if (text.size() < most_said_bytes) {
            text.append(buffer, static_cast<std::size_t>(n));
        }
    }
}

// A last line that was cut off by the end of its writer counts as it is.
std::vector<Said> lines(const std::string& text) {
    std::vector<Said> said;
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        const std::string line = text.substr(start, end - start);
        const std::size_t space = std::min(line.find(' '), line.size());
        said.push_back({line.substr(0, space), line.substr(std::min(space + 1, line.size()))});
        start = end + 1;
    }
    return said;
}

// Kills and reaps every child of this process: what a check left behind and this process adopted. Each round can
// orphan the next generation.
unsigned end_orphans() {
    unsigned count = 0;
    const std::string children = "/proc/self/task/" + std::to_string(::getpid()) + "/children";
    for (;;) {
        const std::string list = read_file(children).value_or("");
        const char* at = list.data();
        const char* const end = list.data() + list.size();
        unsigned round = 0;
        while (at < end) {
            pid_t pid = 0;
            const auto [next, error] = std::from_chars(at, end, pid);
            if (error != std::errc{}) {
                break;
            }
            ::kill(pid, SIGKILL);
            while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
            }
            ++round;
            at = next + 1;
        }
        if (round == 0) {
            return count;
        }
        count += round;
    }
}

// Adopts orphans for as long as it lives.
class Subreaper {
  public:
    Subreaper() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }
    ~Subreaper() { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }
    Subreaper(const Subreaper&) = delete;
    Subreaper& operator=(const Subreaper&) = delete;
};

} // namespace

std::uint64_t time_limit_ns(const Check& check, const Task& task) {
    const std::uint64_t worked_s = check.seconds > 0 ? task.seconds : 0;
    return (check.time_limit_s + worked_s) * 1'000'000'000ULL;
}

Result<Observed> run_check(const Check& check, const Task& task, const registry::Allocator& allocator,
                           const Settings& settings) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return fail_errno(Exit::os, "", "cannot make a pipe", errno);
    }
    const Fd report(ends[0]);
    Fd report_there(ends[1]);
    ::fcntl(report.get(), F_SETFL, O_NONBLOCK);
    const Subreaper adopt;
    auto process = process::Process::start_stopped(
        checker_command(check, task, allocator, settings, report_there.get()));
    if (!process) {
        return tl::unexpected(process.error());
    }
    report_there.reset();
    Observed seen;
    std::string said;
    process::OutputTail tail;
    bool report_open = true;
    bool output_open = true;
    const std::uint64_t begin_ns = engine::monotonic_ns();
    engine::Patience patience(time_limit_ns(check, task));
    process::DemandWatch demand_watch(process->pid());
    process->release();
    for (bool running = true; running;) {
        pollfd fds[] = {{process->pid_fd(), POLLIN, 0},
                        {report_open ? report.get() : -1, POLLIN, 0},
                        {output_open ? process->stderr_fd() : -1, POLLIN, 0},
                        {settings.stop_fd, POLLIN, 0}};
        ::poll(fds, 4, tick_ms);
        collect(report.get(), said);
        tail.collect(process->stderr_fd());
        report_open =
            report_open && (fds[1].revents & POLLHUP) == 0; // else poll would return at once for ever
        output_open = output_open && (fds[2].revents & POLLHUP) == 0;
        running = (fds[0].revents & POLLIN) == 0;
        if (running) {
            seen.stopped = (fds[3].revents & POLLIN) != 0;
            const process::Demand demand = demand_watch.look();
            seen.timed_out = patience.over({demand.wants, demand.gets});
            seen.memory_exceeded = process::resident_bytes(process->pid()) > settings.memory_limit_bytes;
            if (seen.stopped || seen.timed_out || seen.memory_exceeded) {
                process->kill();
                running = false;
            }
        }
    }
    seen.exit = process->reap();
    seen.orphans = end_orphans();
    seen.duration_ns = engine::monotonic_ns() - begin_ns;
    collect(report.get(), said);
    tail.collect(process->stderr_fd());
    seen.said = lines(said);
    seen.stderr_tail = tail.take();
    return seen;
}

} // namespace faultline::stress
