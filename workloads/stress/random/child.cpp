#include "workloads/stress/random/child.hpp"

#include "workloads/engine/patience.hpp"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace faultline::stress {
namespace {

constexpr std::uint64_t patience_ns = 5'000'000'000;
constexpr timespec between_looks = {0, 1'000'000};

} // namespace

ChildEnd in_a_child(void (*body)(void*), void* context, std::atomic<std::uint64_t>& progress) {
    ChildEnd end;
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) {
        return end;
    }
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) {
            ::_exit(0); // the parent was gone before the line above
        }
        body(context);
        ::_exit(0);
    }
    int status = 0;
    engine::Patience patience(patience_ns);
    while (::waitpid(child, &status, WNOHANG) == 0) {
        if (patience.over()) {
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
