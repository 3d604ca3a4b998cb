#include "workloads/engine/phases.hpp"

#include "base/error.hpp"
#include "workloads/engine/clock.hpp"
#include "workloads/engine/die.hpp"

#include <cerrno>
#include <cstring>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace faultline::engine {

namespace {

template <typename Call>
ssize_t retried(Call call) {
    ssize_t result = call();
    while (result < 0 && errno == EINTR)
        result = call();
    return result;
}

std::uint64_t nanoseconds(const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(time.tv_usec) * 1'000;
}

Usage usage_now() {
    rusage raw{};
    getrusage(RUSAGE_SELF, &raw);
    return {.user_ns = nanoseconds(raw.ru_utime),
            .system_ns = nanoseconds(raw.ru_stime),
            .minor_faults = static_cast<std::uint64_t>(raw.ru_minflt),
            .major_faults = static_cast<std::uint64_t>(raw.ru_majflt),
            .voluntary_switches = static_cast<std::uint64_t>(raw.ru_nvcsw),
            .involuntary_switches = static_cast<std::uint64_t>(raw.ru_nivcsw)};
}

Usage since(const Usage& begin, const Usage& end) {
    return {.user_ns = end.user_ns - begin.user_ns,
            .system_ns = end.system_ns - begin.system_ns,
            .minor_faults = end.minor_faults - begin.minor_faults,
            .major_faults = end.major_faults - begin.major_faults,
            .voluntary_switches = end.voluntary_switches - begin.voluntary_switches,
            .involuntary_switches = end.involuntary_switches - begin.involuntary_switches};
}

void tell_and_wait(int fd, Phase phase, std::uint64_t now_ns) {
    const PhaseMark mark{.entered = phase, .monotonic_ns = now_ns};
    // MSG_NOSIGNAL: a parent that is gone is an error to report, not a SIGPIPE.
    if (retried([&] { return send(fd, &mark, sizeof mark, MSG_NOSIGNAL); }) != sizeof mark)
        die(static_cast<int>(Exit::io), "cannot send the mark of phase %s: %s",
            phase_names[static_cast<unsigned>(phase)], strerrordesc_np(errno));
    char answer = 0;
    const ssize_t got = retried([&] { return recv(fd, &answer, 1, 0); });
    if (got != 1 || answer != phase_ack)
        die(static_cast<int>(Exit::io), "the parent left at the mark of phase %s",
            phase_names[static_cast<unsigned>(phase)]);
}

} // namespace

PhaseGate::PhaseGate(int fd) : fd_(fd) {
    times_[0].begin_ns = monotonic_ns();
    times_[0].entered = true;
}

void PhaseGate::enter(Phase phase) {
    PhaseTimes& before = times_[static_cast<std::size_t>(current_)];
    const std::uint64_t now_ns = monotonic_ns();
    before.cpu_ns = process_cpu_ns() - cpu_begin_ns_;
    before.wall_ns = now_ns - before.begin_ns;
    before.usage = since(usage_begin_, usage_now());
    if (fd_ >= 0)
        tell_and_wait(fd_, phase, now_ns);
    current_ = phase;
    PhaseTimes& after = times_[static_cast<std::size_t>(phase)];
    after.entered = true;
    usage_begin_ = usage_now();
    cpu_begin_ns_ = process_cpu_ns();
    after.begin_ns = monotonic_ns();
}

} // namespace faultline::engine
