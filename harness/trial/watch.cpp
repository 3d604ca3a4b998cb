#include "harness/trial/watch.hpp"

#include "base/file.hpp"
#include "harness/process/observe.hpp"
#include "harness/trial/time_limit.hpp"
#include "workloads/engine/clock.hpp"

#include <charconv>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace faultline::trial {
namespace {

constexpr int tick_ms = 20; // how often memory and time-out are looked at

std::string proc_path(pid_t pid, const char* file) {
    return "/proc/" + std::to_string(pid) + "/" + file;
}

// "VmHWM:     1234 kB" -> 1263616
std::optional<std::uint64_t> status_bytes(const std::string& status, std::string_view key) {
    const std::size_t at = status.find("\n" + std::string(key) + ":");
    if (at == std::string::npos) {
        return std::nullopt;
    }
    const std::size_t digits = status.find_first_of("0123456789", at);
    std::uint64_t kibibytes = 0;
    if (digits == std::string::npos ||
        std::from_chars(status.data() + digits, status.data() + status.size(), kibibytes).ec != std::errc()) {
        return std::nullopt;
    }
    return kibibytes * 1024;
}

bool maps_hold(pid_t pid, const std::filesystem::path& library) {
    const auto maps = read_file(proc_path(pid, "maps"));
    return maps && maps->find(" " + library.string() + "\n") != std::string::npos;
}

class Watcher {
  public:
    Watcher(process::Process& process, int phase_fd, const std::filesystem::path& library,
            std::uint64_t timeout_s, const Settings& settings,
            std::span<const std::unique_ptr<probes::Probe>> probes)
        : process_(process), phase_fd_(phase_fd), library_(library), timeout_s_(timeout_s),
          settings_(settings), probes_(probes) {}

    Watched run() {
        note_usage_before_release();
        seen_.begin_ns = engine::monotonic_ns();
        TimeLimit limit(timeout_s_ * 1'000'000'000, seen_.begin_ns);
        process_.release();
        bool running = true;
        while (running) {
            pollfd fds[] = {{process_.pid_fd(), POLLIN, 0},
                            {phase_fd_, POLLIN, 0},
                            {output_open_ ? process_.stderr_fd() : -1, POLLIN, 0},
                            {settings_.stop_fd, POLLIN, 0}};
            ::poll(fds, 4, tick_ms);
            if ((fds[2].revents & POLLIN) != 0) {
                output_.collect(process_.stderr_fd());
            } else if ((fds[2].revents & POLLHUP) != 0) {
                output_open_ = false; // else poll would return at once for ever
            }
            if ((fds[1].revents & POLLIN) != 0) {
                answer_mark();
            } else if ((fds[1].revents & POLLHUP) != 0) {
                phase_fd_ = -1; // the worker closed it; its exit comes next
            }
            const bool whole = seen_.snapshots.size() == engine::phase_count; // nothing is left to stop
            if ((fds[3].revents & POLLIN) != 0 && !whole) {
                seen_.stopped = true;
            }
            check_limits(limit);
            if (seen_.stopped || seen_.timed_out || seen_.memory_exceeded) {
                process_.kill();
                running = false;
            }
            if ((fds[0].revents & POLLIN) != 0) {
                running = false;
            }
        }
        seen_.stood_still_ns = limit.stood_still_ns();
        output_.collect(process_.stderr_fd());
        seen_.output_tail = output_.take();
        return std::move(seen_);
    }

  private:
    void note_usage_before_release() {
        if (const auto schedstat = read_file(proc_path(process_.pid(), "schedstat"))) {
            std::from_chars(schedstat->data(), schedstat->data() + schedstat->size(),
                            seen_.before_release.cpu_ns);
        }
        if (const auto stat = read_file(proc_path(process_.pid(), "stat"))) {
            // Behind the command's closing parenthesis: " S ppid pgrp session tty tpgid flags minflt ..."
            std::size_t at = stat->rfind(')');
            for (int field = 0; field < 8 && at != std::string::npos; ++field) {
                at = stat->find(' ', at + 1);
            }
            if (at != std::string::npos) {
                std::from_chars(stat->data() + at + 1, stat->data() + stat->size(),
                                seen_.before_release.minor_faults);
            }
        }
    }

    void answer_mark() {
        engine::PhaseMark mark;
        const ssize_t n = ::recv(phase_fd_, &mark, sizeof mark, MSG_DONTWAIT);
        const auto entered = static_cast<std::size_t>(mark.entered);
        if (n != sizeof mark || mark.magic != engine::PhaseMark::expected_magic || entered == 0 ||
            entered > engine::phase_count || entered != seen_.snapshots.size() + 1) {
            phase_fd_ = -1; // end of file, or not our worker: its exit and missing report tell the rest
            return;
        }
        seen_.phase_end_ns[entered - 1] = mark.monotonic_ns;
        probes::Snapshot snapshot;
        for (const auto& probe : probes_) {
            probe->mark(mark.entered, snapshot);
        }
        seen_.snapshots.push_back(std::move(snapshot));
        if (mark.entered == engine::Phase::warmup) {
            seen_.library_mapped = maps_hold(process_.pid(), library_);
            if (const auto status = read_file(proc_path(process_.pid(), "status"))) {
                seen_.baseline_rss_bytes = status_bytes(*status, "VmRSS");
            }
        }
        if (mark.entered == engine::Phase::end) {
            if (const auto status = read_file(proc_path(process_.pid(), "status"))) {
                seen_.peak_rss_bytes = status_bytes(*status, "VmHWM");
                seen_.final_rss_bytes = status_bytes(*status, "VmRSS");
            }
        }
        ::send(phase_fd_, &engine::phase_ack, 1, MSG_NOSIGNAL);
    }

    void check_limits(TimeLimit& limit) {
        const std::uint64_t now = engine::monotonic_ns();
        seen_.timed_out = limit.passed(now);
        if (now - memory_checked_ns_ >= tick_ms * 1'000'000ULL) {
            memory_checked_ns_ = now;
            seen_.memory_exceeded = settings_.box == nullptr &&
                                    process::resident_bytes(process_.pid()) > settings_.memory_limit_bytes;
        }
    }

    process::Process& process_;
    int phase_fd_;
    const std::filesystem::path& library_;
    std::uint64_t timeout_s_;
    const Settings& settings_;
    std::span<const std::unique_ptr<probes::Probe>> probes_;
    std::uint64_t memory_checked_ns_ = 0;
    process::OutputTail output_;
    bool output_open_ = true;
    Watched seen_;
};

} // namespace

Watched watch(process::Process& process, int phase_fd, const std::filesystem::path& library,
              std::uint64_t timeout_s, const Settings& settings,
              std::span<const std::unique_ptr<probes::Probe>> probes) {
    return Watcher(process, phase_fd, library, timeout_s, settings, probes).run();
}

} // namespace faultline::trial
