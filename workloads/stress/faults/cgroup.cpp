// Memory cgroups, of version 1 or 2, for as long as a check runs.
#include "workloads/stress/faults/supervise.hpp"

#include "base/file.hpp"
#include "workloads/stress/ordeal/spawn.hpp"
#include "workloads/stress/voice.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

namespace faultline::stress {
namespace {

constexpr std::uint64_t limit_bytes = 256ULL << 20; // the worker keeps 64 MiB alive
constexpr unsigned hang_looks = 1500;

const std::string prefix = "faultline-stress-"; // then the number of the process

class MemoryGroup {
  public:
    // Where there is none to be had, `path()` is empty.
    MemoryGroup() {
        const std::string name = prefix + std::to_string(::getpid());
        for (const auto& [root, limit] : {std::pair("/sys/fs/cgroup/memory/", "memory.limit_in_bytes"),
                                          std::pair("/sys/fs/cgroup/", "memory.max")}) {
            remove_abandoned(root);
            const std::string path = root + name;
            if (::mkdir(path.c_str(), 0755) != 0) {
                continue;
            }
            if (write(path + "/" + limit, std::to_string(limit_bytes))) {
                path_ = path;
                procs_.reset(::open((path + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
                return;
            }
            ::rmdir(path.c_str());
        }
    }
    ~MemoryGroup() {
        if (!path_.empty()) {
            ::rmdir(path_.c_str());
        }
    }
    MemoryGroup(const MemoryGroup&) = delete;
    MemoryGroup& operator=(const MemoryGroup&) = delete;

    const std::string& path() const { return path_; }

    static bool enter(void* group) { // Worker::prepare
        return ::write(static_cast<MemoryGroup*>(group)->procs_.get(), "0", 1) == 1;
    }

  private:
    // What a supervisor left that was killed. A group with processes in it cannot be removed, so nobody's is lost.
    static void remove_abandoned(const std::string& root) {
        std::error_code error;
        for (const auto& entry : std::filesystem::directory_iterator(root, error)) {
            const std::string name = entry.path().filename();
            if (name.starts_with(prefix) &&
                !std::filesystem::exists("/proc/" + name.substr(prefix.size()), error)) {
                ::rmdir(entry.path().c_str());
            }
        }
    }
    static bool write(const std::string& file, const std::string& text) {
        const Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
        return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
    }
    std::string path_;
    Fd procs_;
};

} // namespace

void supervise_cgroup(const OrdealOptions& options) {
    std::string reason;
    {
        MemoryGroup group;
        if (group.path().empty()) {
            skip("no memory cgroup can be made here: run as root, with the memory controller");
        }
        Worker worker;
        worker.arguments = options.for_worker().arguments("work-reuse");
        worker.preload = options.preload;
        worker.prepare = MemoryGroup::enter;
        worker.context = &group;
        Result<Running> running = Running::start(worker);
        if (!running) {
            skip("%s", running.error().line().c_str());
        }
        const Ending ending = running->watch(hang_looks, UINT64_MAX);
        if (ending.kind == Ending::Kind::killed && ending.number == SIGKILL) {
            reason = "with 64 MiB alive it did not stay within 256 MiB, and was killed for it, in round " +
                     std::to_string(running->pulse().episode.load());
        } else if (ending.kind != Ending::Kind::exited || ending.number != 0) {
            reason = "the program " + describe(ending);
        }
    }
    if (!reason.empty()) {
        fail("%s", reason.c_str());
    }
}

} // namespace faultline::stress
