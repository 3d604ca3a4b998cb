#include "harness/cli/status_line.hpp"

#include "workloads/engine/clock.hpp"

#include <cmath>
#include <cstdio>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace faultline::cli {

std::size_t terminal_columns(int fd) {
    winsize size{};
    return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

StatusLine::StatusLine(bool quiet)
    : quiet_(quiet), terminal_(::isatty(STDERR_FILENO) == 1), began_ns_(engine::monotonic_ns()) {}

StatusLine::~StatusLine() {
    clear();
}

void StatusLine::clear() {
    if (terminal_ && !quiet_) {
        std::fputs("\r\x1b[K", stderr);
        std::fflush(stderr);
    }
}

void StatusLine::show(const std::string& text) {
    if (terminal_ && !quiet_) {
        std::fprintf(stderr, "\r%s\x1b[K", text.substr(0, terminal_columns(STDERR_FILENO) - 1).c_str());
        std::fflush(stderr);
    }
}

void StatusLine::line(const std::string& text) {
    if (!quiet_) {
        clear();
        std::fprintf(stderr, "%s\n", text.c_str());
    }
}

std::string StatusLine::left(double done, double total) const {
    if (done <= 0) {
        return "?";
    }
    const double spent = static_cast<double>(engine::monotonic_ns() - began_ns_) * 1e-9;
    const auto whole = static_cast<unsigned long>(std::lround(spent / done * (total - done)));
    return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

} // namespace faultline::cli
