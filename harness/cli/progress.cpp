#include "harness/cli/progress.hpp"

#include "harness/cli/table.hpp"
#include "workloads/engine/clock.hpp"

#include <cmath>
#include <cstdio>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace faultline::cli {
namespace {

std::size_t terminal_columns() {
    winsize size{};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string minutes(double seconds) {
    const auto whole = static_cast<unsigned long>(std::lround(seconds));
    return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

} // namespace

Progress::Progress(const plan::Plan& plan, bool quiet)
    : plan_(plan), quiet_(quiet), terminal_(::isatty(STDERR_FILENO) == 1), began_ns_(engine::monotonic_ns()) {
}

Progress::~Progress() {
    clear();
}

void Progress::clear() {
    if (terminal_ && !quiet_) {
        std::fputs("\r\x1b[K", stderr);
        std::fflush(stderr);
    }
}

void Progress::line(const std::string& text) {
    if (!quiet_) {
        clear();
        std::fprintf(stderr, "%s\n", text.c_str());
    }
}

void Progress::trial_starts(const plan::TrialSpec& spec, std::size_t done, std::size_t total) {
    done_ = done;
    total_ = total;
    if (quiet_ || !terminal_) {
        return;
    }
    std::string left = "?";
    if (done > 0) {
        const double spent = static_cast<double>(engine::monotonic_ns() - began_ns_) * 1e-9;
        left = minutes(spent / static_cast<double>(done) * static_cast<double>(total - done));
    }
    std::string text =
        fmt::format("round {}/{}  trial {}/{}  {} left  {} on {}", spec.round + 1, plan_.rounds, done + 1,
                    total, left, plan_.rows[spec.row].label, plan_.arms[spec.arm].allocator.name);
    if (const std::size_t columns = terminal_columns(); text.size() >= columns) {
        text.resize(columns - 1);
    }
    std::fprintf(stderr, "\r%s\x1b[K", text.c_str());
    std::fflush(stderr);
}

void Progress::trial_ended(const results::TrialResult& result) {
    if (!result.valid()) {
        line(Error{Exit::failure, result.workload + " on " + result.allocator,
                   "invalid: " + *result.invalid_reason, ""}
                 .line());
    }
}

void Progress::round_ended(unsigned rounds_whole) {
    if (!terminal_) {
        const double spent = static_cast<double>(engine::monotonic_ns() - began_ns_) * 1e-9;
        const double left = spent / rounds_whole * (plan_.rounds - rounds_whole);
        line(fmt::format("round {} of {} done, {} left", rounds_whole, plan_.rounds, minutes(left)));
    }
}

} // namespace faultline::cli
