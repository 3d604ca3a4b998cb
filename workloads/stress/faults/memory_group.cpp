#include "workloads/stress/faults/memory_group.hpp"

#include "base/file.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace faultline::stress {
namespace {

const std::string prefix = "faultline-stress-"; // then the number of the process

struct Version {
    const char* root;
    const char* limit;
    const char* swap_limit; // of memory and swap together in version 1, of swap in version 2
    bool swap_limit_is_sum;
    const char* events; // has a line "oom_kill N"
};
constexpr std::array<Version, 2> versions = {{
    {"/sys/fs/cgroup/memory/", "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", true,
     "memory.oom_control"},
    {"/sys/fs/cgroup/", "memory.max", "memory.swap.max", false, "memory.events"},
}};

bool write_text(const std::string& file, const std::string& text) {
    const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// What a supervisor left that was killed with its guardian. A group with processes in it cannot be removed, so nobody's
// is lost.
void remove_abandoned(const std::string& root) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(root, error)) {
        const std::string name = entry.path().filename();
        if (name.starts_with(prefix) &&
            !std::filesystem::exists("/proc/" + name.substr(prefix.size()), error)) {
            ::rmdir(entry.path().c_str());
        }
    }
}

// Of 10 ms each. Nobody waits for the guardian, and a crowded machine ends processes late.
constexpr int own_tries = 1000;
constexpr int guardian_tries = 60'000;

// Until the last process in it is gone.
void remove_when_empty(const char* path, int most_tries) {
    constexpr timespec moment = {0, 10'000'000};
    for (int tries = 0; tries < most_tries && ::rmdir(path) != 0 && errno == EBUSY; ++tries) {
        ::nanosleep(&moment, nullptr);
    }
}

} // namespace

MemoryGroup::MemoryGroup(std::uint64_t limit_bytes) {
    for (const Version& version : versions) {
        remove_abandoned(version.root);
        const std::string path = version.root + prefix + std::to_string(::getpid());
        if (::mkdir(path.c_str(), 0755) != 0) {
            continue;
        }
        if (write_text(path + "/" + version.limit, std::to_string(limit_bytes))) {
            // Not there where the kernel does not count swap: then there is none to be had by a group.
            write_text(path + "/" + version.swap_limit,
                       std::to_string(version.swap_limit_is_sum ? limit_bytes : 0));
            path_ = path;
            procs_.reset(::open((path + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
            guard();
            return;
        }
        ::rmdir(path.c_str());
    }
}

// A process that waits for the end of this one, however it comes.
void MemoryGroup::guard() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return;
    }
    const Fd ended(ends[0]);
    guarded_.reset(ends[1]);
    guardian_ = ::fork();
    if (guardian_ == 0) {
        guarded_.reset();
        ::signal(SIGINT, SIG_IGN);
        ::signal(SIGTERM, SIG_IGN);
        ::prctl(PR_SET_PDEATHSIG, 0);
        char byte = 0;
        while (::read(ended.get(), &byte, 1) < 0 && errno == EINTR) {
        }
        remove_when_empty(path_.c_str(), guardian_tries);
        ::_exit(0);
    }
}

MemoryGroup::~MemoryGroup() {
    if (path_.empty()) {
        return;
    }
    remove_when_empty(path_.c_str(), own_tries);
    guarded_.reset();
    while (guardian_ > 0 && ::waitpid(guardian_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

std::optional<std::uint64_t> MemoryGroup::kills() const {
    constexpr std::string_view name = "oom_kill ";
    for (const Version& version : versions) {
        const std::string text = "\n" + read_file(path_ + "/" + version.events).value_or("");
        const std::size_t at = text.find("\n" + std::string(name));
        if (at == std::string::npos) {
            continue;
        }
        std::uint64_t count = 0;
        const char* const digits = text.data() + at + 1 + name.size();
        if (std::from_chars(digits, text.data() + text.size(), count).ec == std::errc{}) {
            return count;
        }
    }
    return std::nullopt;
}

bool MemoryGroup::enter(void* group) {
    return ::write(static_cast<MemoryGroup*>(group)->procs_.get(), "0", 1) == 1;
}

} // namespace faultline::stress
