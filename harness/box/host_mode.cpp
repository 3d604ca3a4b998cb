#include "harness/box/host_mode.hpp"

#include "base/fd.hpp"
#include "base/file.hpp"
#include "harness/box/undo.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace faultline::box {
namespace {

namespace fs = std::filesystem;

constexpr const char* huge_pages = "/sys/kernel/mm/transparent_hugepage/enabled";

// The word in brackets of "always [madvise] never"; empty: there is none.
std::string mode_in_force() {
    const std::string text = read_file(huge_pages).value_or("");
    const std::size_t begin = text.find('[');
    const std::size_t end = text.find(']');
    return begin == std::string::npos || end == std::string::npos ? ""
                                                                  : text.substr(begin + 1, end - begin - 1);
}

Result<void> write_word(const char* file, std::string_view word) {
    const Fd fd(::open(file, O_WRONLY | O_CLOEXEC));
    if (!fd || ::write(fd.get(), word.data(), word.size()) != static_cast<ssize_t>(word.size())) {
        return fail_errno(Exit::unavailable, file, fmt::format("cannot write {}", word), errno,
                          "run as root, outside containers that show /sys and /proc/sys read-only");
    }
    return {};
}

// Whether a journal other than `own` names a mode and belongs to somebody who lives.
bool others_have_set_one(int own) {
    struct stat mine {};
    ::fstat(own, &mine);
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(journal_directory, error)) {
        const Fd journal(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
        struct stat its {};
        if (!journal || ::fstat(journal.get(), &its) != 0 || its.st_ino == mine.st_ino ||
            ::flock(journal.get(), LOCK_EX | LOCK_NB) == 0) {
            continue;
        }
        std::istringstream lines(read_file(entry.path()).value_or(""));
        for (std::string line; std::getline(lines, line);) {
            if (line.starts_with(std::string(entry_huge_pages) + ' ')) {
                return true;
            }
        }
    }
    return false;
}

} // namespace

Result<void> set_huge_pages(int journal, std::string_view mode) {
    const std::string before = mode_in_force();
    if (before.empty()) {
        return fail(Exit::unavailable, huge_pages, "this kernel has no transparent huge pages",
                    "leave --thp out");
    }
    if (before == mode) {
        return {};
    }
    // Noted before it is looked for others', so that of two at once at least one sees the other.
    if (auto noted = note(journal, entry_huge_pages, fmt::format("{} {}", before, mode)); !noted) {
        return noted;
    }
    if (others_have_set_one(journal)) {
        return fail(Exit::unavailable, "--thp", "another run has set the host's mode of huge pages",
                    "wait for its end");
    }
    return write_word(huge_pages, mode);
}

void restore_huge_pages(std::string_view noted) {
    const std::size_t space = noted.find(' ');
    if (space != std::string_view::npos && mode_in_force() == noted.substr(space + 1)) {
        (void)write_word(huge_pages, noted.substr(0, space)); // nobody is left to be told
    }
}

Result<void> drop_page_cache() {
    ::sync();
    return write_word("/proc/sys/vm/drop_caches", "1");
}

void warm_page_cache(const std::vector<fs::path>& files) {
    std::array<char, 65536> buffer{};
    for (const fs::path& file : files) {
        const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
        while (fd && ::read(fd.get(), buffer.data(), buffer.size()) > 0) {
        }
    }
}

} // namespace faultline::box
