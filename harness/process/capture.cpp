#include "harness/process/capture.hpp"

#include <cerrno>
#include <poll.h>
#include <unistd.h>

extern char** environ;

namespace faultline::process {
namespace {

constexpr int not_found = 127; // of env

std::string read_all(int fd) {
    std::string text;
    char buffer[4096];
    for (;;) {
        const ssize_t n = ::read(fd, buffer, sizeof buffer);
        if (n > 0) {
            text.append(buffer, static_cast<std::size_t>(n));
        } else if (n < 0 && errno == EAGAIN) {
            pollfd ready{fd, POLLIN, 0};
            ::poll(&ready, 1, -1);
        } else if (n == 0 || errno != EINTR) {
            return text;
        }
    }
}

} // namespace

Result<Captured> capture(const std::vector<std::string>& argv) {
    Command command;
    command.argv = {"/usr/bin/env"};
    command.argv.insert(command.argv.end(), argv.begin(), argv.end());
    for (char** entry = environ; *entry != nullptr; ++entry) {
        command.environment.emplace_back(*entry);
    }
    auto process = Process::start_stopped(command);
    if (!process) {
        return tl::unexpected(process.error());
    }
    process->release();
    Captured captured;
    captured.text = read_all(process->stderr_fd());
    captured.exit = process->reap();
    if (captured.exit.status == not_found) {
        return fail(Exit::unavailable, argv.front(), "is not on PATH");
    }
    return captured;
}

} // namespace faultline::process
