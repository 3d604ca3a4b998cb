// A memory cgroup of version 1 or 2, without swap, for as long as a check runs. It is taken away with the object, or by
// a guardian process when this one is killed.
#pragma once

#include "base/fd.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

namespace faultline::stress {

class MemoryGroup {
  public:
    // Where none is to be had, `path()` is empty.
    explicit MemoryGroup(std::uint64_t limit_bytes);
    ~MemoryGroup();
    MemoryGroup(const MemoryGroup&) = delete;
    MemoryGroup& operator=(const MemoryGroup&) = delete;

    const std::string& path() const { return path_; }
    // Processes that the kernel killed in it for want of memory. Nothing where it does not say.
    std::optional<std::uint64_t> kills() const;

    static bool enter(void* group); // Worker::prepare

  private:
    void guard();

    std::string path_;
    Fd procs_;
    Fd guarded_; // the guardian's sign that this process is alive
    pid_t guardian_ = -1;
};

} // namespace faultline::stress
