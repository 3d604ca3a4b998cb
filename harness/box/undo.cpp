#include "harness/box/undo.hpp"

#include "base/file.hpp"
#include "harness/box/host_mode.hpp"

#include <cerrno>
#include <csignal>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <sys/swap.h>
#include <time.h>
#include <unistd.h>
#include <vector>

namespace faultline::box {
namespace {

namespace fs = std::filesystem;

bool made_here(const fs::path& path) {
    return path.filename().string().starts_with(name_prefix);
}

void reset_zram(const std::string& text) {
    std::istringstream words(text);
    std::string device;
    std::string bytes;
    words >> device >> bytes;
    const fs::path block = fs::path("/sys/block") / device;
    std::ifstream size_file(block / "disksize");
    std::string size;
    size_file >> size;
    if (device.starts_with("zram") && size == bytes) {
        std::ofstream(block / "reset") << "1";
    }
}

void undo_line(const std::string& line) {
    const std::string entry = line.substr(0, line.find(' '));
    const std::string text = line.substr(std::min(line.size(), entry.size() + 1));
    if (entry == entry_group) {
        remove_group(text);
    } else if (entry == entry_swap) {
        ::swapoff(text.c_str()); // EINVAL: it was not on
    } else if (entry == entry_zram) {
        reset_zram(text);
    } else if (entry == entry_huge_pages) {
        restore_huge_pages(text);
    } else if (entry == entry_file && made_here(text)) {
        ::unlink(text.c_str());
    }
}

} // namespace

Result<void> note(int journal, std::string_view entry, std::string_view text) {
    const std::string line = fmt::format("{} {}\n", entry, text);
    if (::write(journal, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
        return fail_errno(Exit::io, journal_directory, "cannot write the journal of the pressure box", errno);
    }
    return {};
}

void undo(std::string_view journal) {
    std::istringstream lines{std::string(journal)};
    std::vector<std::string> all;
    for (std::string line; std::getline(lines, line);) {
        all.push_back(line);
    }
    for (auto line = all.rbegin(); line != all.rend(); ++line) {
        undo_line(*line);
    }
}

void remove_group(const fs::path& group) {
    if (!made_here(group)) {
        return;
    }
    // Its processes are the trial's, which ends with its runner; an end takes a moment.
    for (int tries = 0; ::rmdir(group.c_str()) != 0 && errno == EBUSY && tries < 500; ++tries) {
        std::ifstream members(group / "cgroup.procs");
        for (pid_t pid = 0; members >> pid;) {
            ::kill(pid, SIGKILL);
        }
        const timespec moment{0, 10'000'000};
        ::nanosleep(&moment, nullptr);
    }
}

} // namespace faultline::box
