#include "workloads/worker/tests/worker_process.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace faultline::tests {

namespace {

Fd memory_file(const char* name) {
    return Fd(memfd_create(name, MFD_CLOEXEC));
}

std::string content_of(int fd) {
    std::string text(static_cast<std::size_t>(lseek(fd, 0, SEEK_END)), '\0');
    const ssize_t got = pread(fd, text.data(), text.size(), 0);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> all;
    all.reserve(words.size() + 1);
    for (std::string& word : words)
        all.push_back(word.data());
    all.push_back(nullptr);
    return all;
}

} // namespace

Worker::Worker(const WorkerOptions& options)
    : report_(memory_file("report")), output_(memory_file("output")), error_(memory_file("error")) {
    int ends[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        throw std::runtime_error("socketpair");
    gate_.reset(ends[0]);
    const Fd theirs(ends[1]);

    std::vector<std::string> words{FAULTLINE_WORKER};
    words.insert(words.end(), options.arguments.begin(), options.arguments.end());
    if (options.gate)
        words.push_back("--phase-fd=" + std::to_string(theirs.get()));
    if (options.report)
        words.push_back("--report-fd=" + std::to_string(report_.get()));
    std::vector<std::string> environment = options.environment;
    for (char** variable = environ; *variable != nullptr; ++variable)
        environment.emplace_back(*variable);
    const std::vector<char*> argv = pointers(words);
    const std::vector<char*> envp = pointers(environment);

    pid_ = fork();
    if (pid_ != 0)
        return;
    for (const int fd : {theirs.get(), report_.get()})
        fcntl(fd, F_SETFD, 0);
    for (const int fd : options.inherited)
        fcntl(fd, F_SETFD, 0);
    dup2(output_.get(), STDOUT_FILENO);
    dup2(error_.get(), STDERR_FILENO);
    if (options.memory_limit) {
        const rlimit limit{*options.memory_limit, *options.memory_limit};
        setrlimit(RLIMIT_AS, &limit);
    }
    execve(argv[0], argv.data(), envp.data());
    _exit(127);
}

Worker::~Worker() {
    if (pid_ > 0) {
        kill(pid_, SIGKILL);
        wait();
    }
}

std::optional<engine::PhaseMark> Worker::next_mark(int timeout_ms) {
    pollfd ready{gate_.get(), POLLIN, 0};
    if (poll(&ready, 1, timeout_ms) != 1)
        return std::nullopt;
    engine::PhaseMark mark;
    if (recv(gate_.get(), &mark, sizeof mark, 0) != sizeof mark)
        return std::nullopt;
    return mark;
}

void Worker::acknowledge() {
    send(gate_.get(), &engine::phase_ack, 1, MSG_NOSIGNAL);
}

void Worker::leave() {
    gate_.reset();
}

void Worker::pass_all(const std::function<void(engine::Phase)>& at) {
    while (const auto mark = next_mark()) {
        at(mark->entered);
        acknowledge();
        if (mark->entered == engine::Phase::end)
            return;
    }
}

int Worker::wait() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string Worker::output() {
    return content_of(output_.get());
}
std::string Worker::error_output() {
    return content_of(error_.get());
}
nlohmann::json Worker::report() {
    return nlohmann::json::parse(content_of(report_.get()));
}

} // namespace faultline::tests
