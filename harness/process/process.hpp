// A worker process, started stopped: forked, its environment and descriptors set, but not yet past exec until
// release(). So probes can be attached to it before it does anything. It runs in a process group of its own,
// dies with the runner, and is killed with all its children when it goes out of scope.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"

#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace faultline::process {

struct Command {
    std::vector<std::string> argv;
    std::vector<std::string> environment;     // "NAME=value", the whole of it
    std::vector<std::pair<int, int>> inherit; // {descriptor here, its number in the child}; numbers from 3 on
};

struct ExitStatus {
    std::optional<int> status;
    std::optional<int> signal;
};

class Process {
  public:
    // Fails with Exit::os when fork or pipe do; a program that cannot be executed ends with status 127 and a
    // line on its standard error.
    static Result<Process> start_stopped(const Command& command);

    pid_t pid() const { return pid_; }
    int stderr_fd() const { return stderr_.get(); } // non-blocking; what the child writes to 1 and 2
    int pid_fd() const { return pid_fd_.get(); }    // readable when the child has exited
    void release();                                 // lets it go on to exec
    void kill();                                    // the whole process group, SIGKILL
    ExitStatus reap();                              // waits; then kills what is left of the group

    Process(Process&& other) noexcept;
    Process& operator=(Process&&) = delete;
    ~Process();

  private:
    Process() = default;
    pid_t pid_ = -1;
    Fd pid_fd_;
    Fd gate_;
    Fd stderr_;
};

} // namespace faultline::process
