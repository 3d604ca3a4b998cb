#include "kernel-probes/procfs/snapshot.hpp"

#include "base/fd.hpp"
#include "kernel-probes/procfs/parse.hpp"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace faultline::probes::procfs {
namespace fs = std::filesystem;
namespace {

struct Text {
    std::string content;
    int error = 0;
};

Text read_text(const fs::path& path) {
    Text text;
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        text.error = errno;
        return text;
    }
    char buffer[8192];
    for (;;) {
        const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
        if (n > 0) {
            text.content.append(buffer, static_cast<std::size_t>(n));
        } else if (n == 0 || errno != EINTR) {
            text.error = n < 0 ? errno : 0;
            return text;
        }
    }
}

// The switches of all threads, written as one status file would. The kernel keeps these per thread and drops
// them when a thread ends; page faults it also keeps for the whole process, so a process whose threads do not
// add up to it has lost threads, and then their switches cannot be known (ESRCH).
Text read_threads(const fs::path& process) {
    std::uint64_t voluntary = 0;
    std::uint64_t involuntary = 0;
    std::uint64_t faults = 0;
    std::error_code error;
    for (fs::directory_iterator task(process / "task", error), end; !error && task != end;
         task.increment(error)) {
        const Text status = read_text(task->path() / "status");
        const auto fault_count = stat_field(read_text(task->path() / "stat").content, 10);
        const auto v = field(status.content, "voluntary_ctxt_switches");
        const auto i = field(status.content, "nonvoluntary_ctxt_switches");
        if (!v || !i || !fault_count) {
            return {"", status.error != 0 ? status.error : ESRCH};
        }
        voluntary += *v;
        involuntary += *i;
        faults += *fault_count;
    }
    if (error) {
        return {"", error.value()};
    }
    if (stat_field(read_text(process / "stat").content, 10) != faults) {
        return {"", ESRCH};
    }
    return {
        fmt::format("voluntary_ctxt_switches: {}\nnonvoluntary_ctxt_switches: {}\n", voluntary, involuntary),
        0};
}

// "10+11": fields added up, as rusage does for a process and its children.
std::optional<std::uint64_t> stat_sum(std::string_view text, std::string_view key) {
    std::uint64_t total = 0;
    while (!key.empty()) {
        const std::string_view number = key.substr(0, key.find('+'));
        unsigned index = 0;
        std::from_chars(number.data(), number.data() + number.size(), index);
        const auto value = stat_field(text, index);
        if (!value) {
            return std::nullopt;
        }
        total += *value;
        key.remove_prefix(std::min(key.size(), number.size() + 1));
    }
    return total;
}

std::optional<std::uint64_t> raw_value(const Row& row, std::string_view text) {
    switch (row.source) {
    case Source::stat:
        return stat_sum(text, row.key);
    case Source::psi_cpu:
    case Source::psi_memory:
    case Source::psi_io:
        return pressure_total_us(text, row.key);
    case Source::status:
    case Source::smaps_rollup:
    case Source::io:
    case Source::threads:
    case Source::vmstat:
        return field(text, row.key);
    }
    return std::nullopt;
}

} // namespace

Snapshot take(const fs::path& proc, pid_t pid, std::span<const Row* const> rows) {
    Snapshot snapshot;
    std::map<Source, Text> texts;
    for (const Row* row : rows) {
        auto text = texts.find(row->source);
        if (text == texts.end()) {
            const fs::path path = proc / file_of(row->source, pid);
            text = texts
                       .emplace(row->source, row->source == Source::threads ? read_threads(path.parent_path())
                                                                            : read_text(path))
                       .first;
            if (text->second.error != 0) {
                snapshot.failures[row->source] = text->second.error;
            }
        }
        const auto value = raw_value(*row, text->second.content);
        snapshot.values.push_back(value ? std::optional(*value * row->scale) : std::nullopt);
    }
    return snapshot;
}

} // namespace faultline::probes::procfs
