#include "harness/box/box.hpp"

#include "base/file.hpp"
#include "harness/box/group.hpp"
#include "harness/box/host_mode.hpp"
#include "harness/box/swap.hpp"
#include "harness/box/undo.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <sstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace faultline::box {
namespace {

namespace fs = std::filesystem;

fs::path journal_path(pid_t owner) {
    return fs::path(journal_directory) / fmt::format("box-{}", owner);
}

void undo_and_forget(const fs::path& journal) {
    if (const auto text = read_file(journal)) {
        undo(*text);
    }
    ::unlink(journal.c_str());
}

// Waits until the runner's end of the pipe is gone, and undoes. The journal's lock is shared with the runner.
[[noreturn]] void guard(int lifeline, const fs::path& journal) {
    ::setsid(); // Ctrl-C is meant for the runner
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
        ::signal(signal, SIG_IGN);
    }
    char byte = 0;
    while (::read(lifeline, &byte, 1) < 0 && errno == EINTR) {
    }
    undo_and_forget(journal);
    ::_exit(0);
}

} // namespace

Cell::~Cell() {
    if (!path_.empty()) {
        remove_group(path_);
    }
}

Result<void> Cell::take_in(pid_t pid) {
    const fs::path file = path_ / "cgroup.procs";
    const Fd procs(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    const std::string text = std::to_string(pid);
    if (!procs || ::write(procs.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        return fail_errno(Exit::os, file.string(), "cannot take the trial in", errno);
    }
    return {};
}

std::optional<std::uint64_t> Cell::oom_kills() const {
    for (const char* name : {"memory.events", "memory.oom_control"}) {
        std::istringstream lines(read_file(path_ / name).value_or(""));
        std::string key;
        for (std::uint64_t value = 0; lines >> key >> value;) {
            if (key == "oom_kill") {
                return value;
            }
        }
    }
    return std::nullopt;
}

Result<Box> Box::make(std::uint64_t limit_bytes, const Swap& swap, std::string_view huge_pages) {
    if (::geteuid() != 0) {
        return fail(Exit::unavailable, "--swap", "a pressure box needs root",
                    "run as root, or leave --swap out: the trial is then stopped at the limit");
    }
    clean_leftovers();
    if (::mkdir(journal_directory, 0700) != 0 && errno != EEXIST) {
        return fail_errno(Exit::cannot_create, journal_directory, "cannot make the journal's folder", errno);
    }
    Box box;
    box.limit_bytes_ = limit_bytes;
    box.swap_ = swap.kind != Swap::Kind::none;
    const fs::path path = journal_path(::getpid());
    box.journal_.reset(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_APPEND | O_CLOEXEC, 0600));
    int ends[2];
    if (!box.journal_ || ::flock(box.journal_.get(), LOCK_EX) != 0 || ::pipe2(ends, O_CLOEXEC) != 0) {
        return fail_errno(Exit::cannot_create, path.string(), "cannot make the journal of the pressure box",
                          errno);
    }
    const Fd guardians_end(ends[0]);
    box.lifeline_.reset(ends[1]);
    box.guardian_ = ::fork();
    if (box.guardian_ < 0) {
        ::unlink(path.c_str());
        return fail_errno(Exit::os, "", "cannot fork", errno);
    }
    if (box.guardian_ == 0) {
        box.lifeline_.reset();
        guard(guardians_end.get(), path);
    }
    auto made = make_swap(box.journal_.get(), swap);
    if (made && !huge_pages.empty()) {
        made = set_huge_pages(box.journal_.get(), huge_pages);
    }
    if (!made) {
        return tl::unexpected(made.error()); // the box goes out of scope, and is undone
    }
    return box;
}

Result<Cell> Box::cell() {
    auto hierarchy = find_hierarchy();
    if (!hierarchy) {
        return tl::unexpected(hierarchy.error());
    }
    const fs::path path = hierarchy->parent / fmt::format("{}{}-{}", name_prefix, ::getpid(), cells_++);
    if (auto noted = note(journal_.get(), entry_group, path.string()); !noted) {
        return tl::unexpected(noted.error());
    }
    if (::mkdir(path.c_str(), 0755) != 0) {
        return fail_errno(Exit::unavailable, path.string(), "cannot make a control group", errno,
                          "run as root, outside containers that share the host's control groups read-only");
    }
    Cell cell(path);
    if (auto limited = limit_group(path, hierarchy->version, limit_bytes_, swap_); !limited) {
        return tl::unexpected(limited.error());
    }
    return cell;
}

Box::Box(Box&& other) noexcept
    : limit_bytes_(other.limit_bytes_), swap_(other.swap_), cells_(other.cells_),
      journal_(std::move(other.journal_)), lifeline_(std::move(other.lifeline_)),
      guardian_(std::exchange(other.guardian_, -1)) {}

Box::~Box() {
    lifeline_.reset();
    if (guardian_ > 0) {
        while (::waitpid(guardian_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
}

unsigned clean_leftovers() {
    unsigned found = 0;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(journal_directory, error)) {
        const Fd journal(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
        // Whoever holds the lock is a runner or its guardian, alive.
        if (journal && ::flock(journal.get(), LOCK_EX | LOCK_NB) == 0) {
            undo_and_forget(entry.path());
            ++found;
        }
    }
    return found;
}

} // namespace faultline::box
