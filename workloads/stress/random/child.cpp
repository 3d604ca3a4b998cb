#include "workloads/stress/random/child.hpp"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <sys/wait.h>
#include <unistd.h>

namespace faultline::stress {
namespace {

// Counted in looks instead of seconds: a machine that stands still for a while makes no child hang.
constexpr unsigned most_looks = 5000;
constexpr timespec between_looks = {0, 1'000'000};

} // namespace

ChildEnd in_a_child(void (*body)(void*), void* context, std::atomic<std::uint64_t>& progress) {
    ChildEnd end;
    const pid_t child = ::fork();
    if (child < 0) {
        return end;
    }
    if (child == 0) {
        body(context);
        ::_exit(0);
    }
    int status = 0;
    for (unsigned looks = 0; ::waitpid(child, &status, WNOHANG) == 0; ++looks) {
        if (looks == most_looks) {
            end.hung = true;
            ::kill(child, SIGKILL);
            while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
            }
            return end;
        }
        ::nanosleep(&between_looks, nullptr);
        progress.fetch_add(1, std::memory_order_relaxed);
    }
    end.status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return end;
}

} // namespace faultline::stress
