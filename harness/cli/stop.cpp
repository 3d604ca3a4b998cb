#include "harness/cli/stop.hpp"

#include <csignal>
#include <cstdint>
#include <sys/eventfd.h>
#include <unistd.h>

namespace faultline::cli {
namespace {

// A signal handler reaches nothing but globals.
int event_fd = -1;
volatile std::sig_atomic_t received = 0;
struct sigaction before_int;
struct sigaction before_term;

void on_signal(int number) {
    if (received != 0) {
        ::_exit(128 + number);
    }
    received = number;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(event_fd, &one, sizeof one);
}

} // namespace

StopSignal::StopSignal() {
    event_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    received = 0;
    struct sigaction action {};
    action.sa_handler = on_signal;
    ::sigaction(SIGINT, &action, &before_int);
    ::sigaction(SIGTERM, &action, &before_term);
}

StopSignal::~StopSignal() {
    ::sigaction(SIGINT, &before_int, nullptr);
    ::sigaction(SIGTERM, &before_term, nullptr);
    ::close(event_fd);
    event_fd = -1;
}

int StopSignal::fd() const {
    return event_fd;
}
int StopSignal::number() const {
    return received;
}

} // namespace faultline::cli
