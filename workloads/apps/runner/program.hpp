// One child process of faultline-app: the program under test, its load generator, or a helper before and after it.
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"
#include "workloads/apps/definition.hpp"

#include <optional>
#include <sys/resource.h>
#include <sys/types.h>

namespace faultline::apps {

struct Launch {
    Words words;                          // the first one already found in PATH
    std::vector<std::string> environment; // "NAME=value", the whole of it
    std::filesystem::path directory;      // its working directory
    int output = -1;                      // descriptors for standard output and error
    int error = -1;
    bool as_nobody = false; // give up being root
};

struct Ended {
    int status = 0; // as waitpid(2) gives it
    rusage usage{}; // of it and all that it waited for

    bool well(int expected) const;
    std::string what() const; // "exited with status 1", "killed by SIGSEGV"
};

class Program {
  public:
    // Returns when the program is executed. It is killed when faultline-app ends. Fails with `unavailable` where it
    // cannot be executed.
    static Result<Program> start(const Launch& launch);

    pid_t pid() const { return pid_; }
    int pid_fd() const { return pid_fd_.get(); } // readable when it has ended
    std::optional<Ended> poll();                 // reaps it when it has ended
    Ended wait();

  private:
    pid_t pid_ = -1;
    Fd pid_fd_;
};

// The account that programs run under which refuse to be root.
inline constexpr uid_t nobody = 65534;

} // namespace faultline::apps
