#include "harness/process/observe.hpp"

#include "base/file.hpp"

#include <charconv>
#include <unistd.h>

namespace faultline::process {

void OutputTail::collect(int fd) {
    char buffer[4096];
    ssize_t n = 0;
    while ((n = ::read(fd, buffer, sizeof buffer)) > 0) {
        text_.append(buffer, static_cast<std::size_t>(n));
        if (text_.size() > most_bytes) {
            text_.erase(0, text_.size() - most_bytes);
        }
    }
}

std::string last_line(const std::string& text) {
    const std::size_t end = text.find_last_not_of('\n');
    if (end == std::string::npos) {
        return "";
    }
    const std::size_t newline = text.rfind('\n', end);
    const std::size_t start = newline == std::string::npos ? 0 : newline + 1;
    return text.substr(start, end - start + 1);
}

std::uint64_t resident_bytes(pid_t pid) {
    const auto statm = read_file("/proc/" + std::to_string(pid) + "/statm");
    std::uint64_t pages = 0;
    if (statm) {
        const std::size_t space = statm->find(' ');
        if (space != std::string::npos) {
            std::from_chars(statm->data() + space + 1, statm->data() + statm->size(), pages);
        }
    }
    return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

} // namespace faultline::process
