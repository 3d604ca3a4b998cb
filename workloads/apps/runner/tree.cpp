#include "workloads/apps/runner/tree.hpp"

#include "base/fd.hpp"
#include "workloads/engine/clock.hpp"

#include <algorithm>
#include <charconv>
#include <climits>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <string_view>
#include <unistd.h>

namespace faultline::apps {
namespace {

constexpr std::size_t kept_samples = 512;

struct Memory {
    std::uint64_t anonymous = 0;
    std::uint64_t file = 0;
    std::uint64_t shared = 0;
    std::uint64_t peak = 0;
};

std::string proc_path(pid_t pid, const char* file) {
    return "/proc/" + std::to_string(pid) + "/" + file;
}

// One read: these files are made anew by each, and are small.
std::string_view read_into(const std::string& path, char* buffer, std::size_t size) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const ssize_t n = fd ? ::read(fd.get(), buffer, size) : -1;
    return {buffer, n > 0 ? static_cast<std::size_t>(n) : 0};
}

std::uint64_t number_at(std::string_view text, std::size_t at) {
    at = text.find_first_of("0123456789", at);
    std::uint64_t value = 0;
    if (at != std::string_view::npos) {
        std::from_chars(text.data() + at, text.data() + text.size(), value);
    }
    return value;
}

std::uint64_t status_bytes(std::string_view status, std::string_view key) {
    const std::size_t at = status.find(key);
    return at == std::string_view::npos ? 0 : number_at(status, at) * 1024;
}

// nullopt: it has ended.
std::optional<Memory> memory_of(pid_t pid) {
    char buffer[4096];
    const std::string_view status = read_into(proc_path(pid, "status"), buffer, sizeof buffer);
    if (status.find("\nVmHWM:") == std::string_view::npos) {
        return std::nullopt;
    }
    return Memory{status_bytes(status, "\nRssAnon:"), status_bytes(status, "\nRssFile:"),
                  status_bytes(status, "\nRssShmem:"), status_bytes(status, "\nVmHWM:")};
}

// Fields of /proc/PID/stat by their number in proc(5), from the third on; empty when it has ended.
std::vector<std::string_view> stat_fields(pid_t pid, char* buffer, std::size_t size) {
    std::string_view text = read_into(proc_path(pid, "stat"), buffer, size);
    std::vector<std::string_view> fields(3); // so that the numbers fit
    const std::size_t name_end = text.rfind(')');
    if (name_end == std::string_view::npos) {
        return {};
    }
    text.remove_prefix(std::min(text.size(), name_end + 2));
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        fields.push_back(text.substr(0, end));
        text.remove_prefix(std::min(text.size(), end + 1));
    }
    return fields;
}

pid_t parent_of(pid_t pid) {
    char buffer[1024];
    const auto fields = stat_fields(pid, buffer, sizeof buffer);
    return fields.size() > 4 ? static_cast<pid_t>(number_at(fields[4], 0)) : 0;
}

} // namespace

Tree::Tree(pid_t root) : self_(::getpid()), members_{root} {}

void Tree::find_new() {
    const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), ::closedir);
    std::vector<pid_t> fresh;
    while (const dirent* entry = proc ? ::readdir(proc.get()) : nullptr) {
        const char* name = entry->d_name;
        pid_t pid = 0;
        const auto end = std::from_chars(name, name + std::string_view(name).size(), pid).ptr;
        if (*end == '\0' && pid > 0 && !members_.contains(pid) && !others_.contains(pid)) {
            fresh.push_back(pid);
        }
    }
    // In order of their numbers a parent usually comes before its children; where not, the next sample finds them.
    std::sort(fresh.begin(), fresh.end());
    for (const pid_t pid : fresh) {
        const pid_t parent = parent_of(pid);
        if (members_.contains(parent) || parent == self_) {
            members_.insert(pid);
        } else if (std::find(fresh.begin(), fresh.end(), parent) == fresh.end()) {
            others_.insert(pid);
        }
    }
}

void Tree::sample() {
    find_new();
    std::uint64_t anonymous = 0;
    std::uint64_t file = 0;
    std::uint64_t shared = 0;
    for (auto pid = members_.begin(); pid != members_.end();) {
        const auto memory = memory_of(*pid);
        if (!memory) {
            pid = members_.erase(pid);
            continue;
        }
        anonymous += memory->anonymous;
        file = std::max(file, memory->file);
        shared = std::max(shared, memory->shared);
        peak_ = std::max(peak_, memory->peak);
        char link[PATH_MAX];
        const ssize_t n = ::readlink(proc_path(*pid, "exe").c_str(), link, sizeof link);
        if (n > 0) {
            programs_.emplace(link, static_cast<std::size_t>(n));
        }
        ++pid;
    }
    resident_ = anonymous + file + shared;
    peak_ = std::max(peak_, resident_);
    keep(resident_);
}

// Every second one goes when there are too many, and from then on every second new one.
void Tree::keep(std::uint64_t resident) {
    if (++since_kept_ < keep_every_) {
        return;
    }
    since_kept_ = 0;
    if (at_ns_.size() == kept_samples) {
        for (std::size_t i = 0; 2 * i < kept_samples; ++i) {
            at_ns_[i] = at_ns_[2 * i];
            values_[i] = values_[2 * i];
        }
        at_ns_.resize(kept_samples / 2);
        values_.resize(kept_samples / 2);
        keep_every_ *= 2;
    }
    at_ns_.push_back(engine::monotonic_ns());
    values_.push_back(resident);
}

TreeUsage Tree::usage() const {
    const auto tick_ns = static_cast<std::uint64_t>(1'000'000'000 / ::sysconf(_SC_CLK_TCK));
    TreeUsage all;
    for (const pid_t pid : members_) {
        char buffer[1024];
        const auto fields = stat_fields(pid, buffer, sizeof buffer);
        clockid_t clock{};
        timespec time{};
        if (fields.size() <= 17 || ::clock_getcpuclockid(pid, &clock) != 0 ||
            ::clock_gettime(clock, &time) != 0) {
            continue; // ended; its parent has its figures
        }
        const auto ticks = [&](std::size_t own, std::size_t children) {
            return (number_at(fields[own], 0) + number_at(fields[children], 0)) * tick_ns;
        };
        all.cpu_ns += static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
                      static_cast<std::uint64_t>(time.tv_nsec);
        all.cpu_ns += (number_at(fields[16], 0) + number_at(fields[17], 0)) * tick_ns; // cutime, cstime
        all.user_ns += ticks(14, 16);
        all.system_ns += ticks(15, 17);
        all.minor_faults += number_at(fields[10], 0) + number_at(fields[11], 0);
        all.major_faults += number_at(fields[12], 0) + number_at(fields[13], 0);
    }
    return all;
}

std::set<pid_t> Tree::living() const {
    std::set<pid_t> pids;
    for (const pid_t pid : members_) {
        if (memory_of(pid)) {
            pids.insert(pid);
        }
    }
    return pids;
}

} // namespace faultline::apps
