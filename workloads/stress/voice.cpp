#include "workloads/stress/voice.hpp"
#include "workloads/stress/voice_setup.hpp"

#include <algorithm>
#include <atomic>
#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <unistd.h>

namespace faultline::stress {
namespace {

int report_to = STDOUT_FILENO;
bool postponed = false;
std::atomic<bool> has_survived = false;

void say(const char* what, const char* format, va_list arguments) {
    char line[1024]; // less than PIPE_BUF: lines of several threads do not mix
    int used = std::snprintf(line, sizeof line, "%s", what);
    if (*format != '\0') {
        line[used++] = ' ';
        const int room = static_cast<int>(sizeof line) - used - 1;
        const int said = std::vsnprintf(line + used, static_cast<std::size_t>(room), format, arguments);
        std::replace(line + used, line + used + std::clamp(said, 0, room - 1), '\n', ' ');
        used += std::clamp(said, 0, room - 1);
    }
    line[used++] = '\n';
    // Nobody is left to tell when the descriptor is closed; the status still speaks.
    [[maybe_unused]] const ssize_t written = ::write(report_to, line, static_cast<std::size_t>(used));
}

} // namespace

#define SAY(what)                                                                                            \
    va_list arguments;                                                                                       \
    va_start(arguments, format);                                                                             \
    say(what, format, arguments);                                                                            \
    va_end(arguments)

void fail(const char* format, ...) {
    SAY(word::failed);
    ::_exit(status_failed);
}
void fall_short(const char* format, ...) {
    SAY(word::fell_short);
    ::_exit(status_failed);
}
void skip(const char* format, ...) {
    SAY(word::skipped);
    ::_exit(status_skipped);
}
void note(const char* format, ...) {
    SAY(word::note);
}
void untried(const char* format, ...) {
    SAY(word::untried);
}
void corrupted(const char* format, ...) {
    SAY(word::corrupted);
}
void digest(const char* format, ...) {
    SAY(word::digest);
}
void artifact(const char* format, ...) {
    SAY(word::artifact);
}

namespace {
[[gnu::format(printf, 2, 3)]] void say_line(const char* what, const char* format, ...) {
    SAY(what);
}
} // namespace

#undef SAY

void figure(const char* name, std::uint64_t value) {
    say_line(word::figure, "%s %" PRIu64, name, value);
}

void survived() {
    if (!has_survived.exchange(true)) {
        say_line(word::survived, "%s", "");
    }
}

void postpone_end() {
    postponed = true;
}
void say_end() {
    say_line(word::end, "%s", "");
}

void set_report_fd(int fd) {
    report_to = fd;
}
int report_fd() {
    return report_to;
}
void say_loaded(const char* path) {
    say_line(word::loaded, "%s", path);
}
bool end_is_postponed() {
    return postponed;
}

} // namespace faultline::stress
