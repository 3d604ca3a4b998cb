#include "kernel-probes/sampler.hpp"

#include "base/fd.hpp"
#include "kernel-probes/procfs/parse.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <poll.h>
#include <span>
#include <string_view>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace faultline::probes {
namespace {

constexpr std::array<const char*, 8> series_names = {
    "rss_bytes",  "rss_anon_bytes", "rss_file_bytes", "rss_shmem_bytes",
    "swap_bytes", "minor_faults",   "major_faults",   "cpu_ns",
};

struct Sample {
    std::uint64_t at_ns;
    std::array<std::uint64_t, series_names.size()> values;
    std::array<std::uint64_t, Gauges::most> gauges;
};

// Written by the sampler process alone, read by the other once that has ended.
struct Shared {
    std::uint64_t interval_ns;
    std::size_t capacity;
    std::size_t count;
    Sample* samples() { return reinterpret_cast<Sample*>(this + 1); }
};

std::uint64_t now_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

// The files of /proc/PID that cost a few microseconds, held open: each read asks anew, also across the exec.
struct Files {
    Fd stat, status;

    static std::optional<Files> open(pid_t pid) {
        const auto open_one = [&](const char* name) {
            return Fd(::open(fmt::format("/proc/{}/{}", pid, name).c_str(), O_RDONLY | O_CLOEXEC));
        };
        Files files{open_one("stat"), open_one("status")};
        return files.stat && files.status ? std::optional(std::move(files)) : std::nullopt;
    }
};

std::string_view reread(const Fd& fd, std::span<char> buffer) {
    const ssize_t n = ::pread(fd.get(), buffer.data(), buffer.size(), 0);
    return {buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
}

// nullopt once the process has ended: a zombie has no memory figures. Allocates nothing: runs after fork().
std::optional<Sample> sample(const Files& files, const Gauges& gauges, std::uint64_t tick_ns) {
    constexpr std::uint64_t kib = 1024;
    char stat_buffer[1024];
    char status_buffer[4096];
    Sample out{now_ns(), {}, {}};
    const std::string_view stat = reread(files.stat, stat_buffer);
    const std::string_view status = reread(files.status, status_buffer);
    if (gauges.read != nullptr) { // at once, so that both are of the same moment
        gauges.read(gauges.from, out.gauges.data());
    }
    using procfs::field;
    using procfs::stat_field;
    const std::optional<std::uint64_t> found[] = {
        field(status, "VmRSS"),    field(status, "RssAnon"), field(status, "RssFile"),
        field(status, "RssShmem"), field(status, "VmSwap"),  stat_field(stat, 10),
        stat_field(stat, 12),      stat_field(stat, 14),     stat_field(stat, 15),
    };
    if (!std::all_of(std::begin(found), std::end(found),
                     [](const auto& value) { return value.has_value(); })) {
        return std::nullopt;
    }
    out.values = {*found[0] * kib, *found[1] * kib, *found[2] * kib, *found[3] * kib,
                  *found[4] * kib, *found[5],       *found[6],       (*found[7] + *found[8]) * tick_ns};
    return out;
}

void keep(Shared& shared, const Sample& sample) {
    if (shared.count == shared.capacity) {
        Sample* samples = shared.samples();
        for (std::size_t i = 0; 2 * i < shared.count; ++i) {
            samples[i] = samples[2 * i];
        }
        shared.count = (shared.count + 1) / 2;
        shared.interval_ns *= 2;
    }
    shared.samples()[shared.count++] = sample;
}

// Sleeps until `deadline_ns`; false when the other end of `stop` was closed, by stop() or by the runner's
// end.
bool wait_until(std::uint64_t deadline_ns, int stop) {
    for (;;) {
        const std::uint64_t now = now_ns();
        const std::uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
        const timespec time_out{static_cast<time_t>(left / 1'000'000'000),
                                static_cast<long>(left % 1'000'000'000)};
        pollfd polled{stop, POLLIN, 0};
        const int ready = ::ppoll(&polled, 1, &time_out, nullptr);
        if (ready == 0) {
            return true;
        }
        if (ready > 0 || errno != EINTR) {
            return false;
        }
    }
}

// The runner's other descriptors are none of ours: a pipe held open here would keep the runner waiting for
// its end.
void close_all_but(std::array<int, 3> kept) {
    std::sort(kept.begin(), kept.end());
    unsigned first = 3; // standard error stays
    for (const int fd : kept) {
        if (first < static_cast<unsigned>(fd)) {
            ::close_range(first, static_cast<unsigned>(fd) - 1, 0);
        }
        first = static_cast<unsigned>(fd) + 1;
    }
    ::close_range(first, ~0U, 0);
}

[[noreturn]] void run(Shared& shared, const Files& files, const Gauges& gauges, int stop, pid_t runner) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_NAME, "faultline-sampl");
    if (::getppid() != runner) {
        ::_exit(1);
    }
    // Ctrl-C goes to the whole group: what was sampled is the runner's to keep or drop.
    ::signal(SIGINT, SIG_IGN);
    ::signal(SIGTERM, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const auto tick_ns = static_cast<std::uint64_t>(1'000'000'000 / ::sysconf(_SC_CLK_TCK));
    std::uint64_t next = now_ns();
    for (auto seen = sample(files, gauges, tick_ns); seen; seen = sample(files, gauges, tick_ns)) {
        keep(shared, *seen);
        // Late samples are not made up for: the next one is an interval from now.
        next = std::max(next + shared.interval_ns, now_ns());
        if (!wait_until(next, stop)) {
            ::_exit(0);
        }
    }
    ::_exit(0);
}

} // namespace

Result<Sampler> Sampler::start(pid_t pid, std::uint64_t interval_ns, std::size_t capacity, Gauges gauges) {
    const auto files = Files::open(pid);
    if (!files) {
        return fail_errno(Exit::unavailable, "sampler", fmt::format("cannot read /proc/{}", pid), errno,
                          "mount /proc, without hidepid");
    }
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return fail_errno(Exit::os, "sampler", "cannot make a pipe", errno);
    }
    const Fd stop(ends[0]);
    Sampler sampler;
    sampler.stop_fd_ = ends[1];
    capacity = std::max<std::size_t>(capacity, 2);
    sampler.shared_bytes_ = sizeof(Shared) + capacity * sizeof(Sample);
    void* area =
        ::mmap(nullptr, sampler.shared_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) {
        return fail_errno(Exit::os, "sampler", "cannot map its ring", errno);
    }
    sampler.shared_ = area;
    auto* shared = new (area) Shared{std::max<std::uint64_t>(interval_ns, 1), capacity, 0};
    const pid_t runner = ::getpid();
    sampler.process_ = ::fork();
    if (sampler.process_ < 0) {
        return fail_errno(Exit::os, "sampler", "cannot fork", errno);
    }
    if (sampler.process_ == 0) {
        close_all_but({files->stat.get(), files->status.get(), stop.get()});
        run(*shared, *files, gauges, stop.get(), runner);
    }
    sampler.gauge_names_ = std::move(gauges.names);
    return sampler;
}

std::vector<Series> Sampler::stop() {
    std::vector<Series> all;
    if (process_ <= 0) {
        return all;
    }
    ::close(std::exchange(stop_fd_, -1));
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
    process_ = -1;
    auto* shared = static_cast<Shared*>(shared_);
    const std::span<const Sample> samples(shared->samples(), shared->count);
    const auto add = [&](std::string name, auto value_of) {
        Series series{std::move(name), {}, {}};
        for (const Sample& sample : samples) {
            series.at_ns.push_back(sample.at_ns);
            series.values.push_back(value_of(sample));
        }
        all.push_back(std::move(series));
    };
    for (std::size_t i = 0; i < series_names.size(); ++i) {
        add(series_names[i], [i](const Sample& sample) { return sample.values[i]; });
    }
    for (std::size_t i = 0; i < gauge_names_.size(); ++i) {
        add(gauge_names_[i], [i](const Sample& sample) { return sample.gauges[i]; });
    }
    return all;
}

Sampler::Sampler(Sampler&& other) noexcept
    : process_(std::exchange(other.process_, -1)), shared_(std::exchange(other.shared_, nullptr)),
      shared_bytes_(std::exchange(other.shared_bytes_, 0)), stop_fd_(std::exchange(other.stop_fd_, -1)),
      gauge_names_(std::move(other.gauge_names_)) {}

Sampler& Sampler::operator=(Sampler&& other) noexcept {
    std::swap(process_, other.process_);
    std::swap(shared_, other.shared_);
    std::swap(shared_bytes_, other.shared_bytes_);
    std::swap(stop_fd_, other.stop_fd_);
    std::swap(gauge_names_, other.gauge_names_);
    return *this;
}

Sampler::~Sampler() {
    if (process_ > 0) {
        ::kill(process_, SIGKILL);
        while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    if (stop_fd_ >= 0) {
        ::close(stop_fd_);
    }
    if (shared_ != nullptr) {
        ::munmap(shared_, shared_bytes_);
    }
}

} // namespace faultline::probes
