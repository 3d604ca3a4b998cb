#include "workloads/stress/ordeal/become.hpp"
#include "workloads/stress/random/tables.hpp"
#include "workloads/stress/voice.hpp"

namespace faultline::stress::random {
namespace {

void operations(const Task& task) {
    become_supervisor("random", "", task);
}

void forks(const Task& task) {
    become_supervisor("random", "forks", task);
}

void replay(const Task& task) {
    if (task.trace.empty()) {
        skip("no trace was given: --replay FILE");
    }
    become_supervisor("replay", "", task);
}

// The time limits leave room for shrinking what fails.
constexpr Check table[] = {
    {"random.operations",
     "whatever threads call in whatever order: blocks are aligned, apart, kept, and zeroed where "
     "asked",
     "C17 7.22.3, POSIX", operations, 120, 10},
    {"random.forks", "a child of fork can use the heap, whatever other threads were doing with it",
     "glibc manual, 3.2.3; more than POSIX asks", forks, 120, 10},
    {"random.replay", "the calls of a trace, by threads as in it, keep all that random.operations asks for",
     "C17 7.22.3, POSIX", replay, 120, 5},
};

} // namespace

std::span<const Check> random_checks() {
    return table;
}

} // namespace faultline::stress::random
