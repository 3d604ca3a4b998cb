#include "workloads/stress/differential/tables.hpp"
#include "workloads/stress/ordeal/become.hpp"

namespace faultline::stress::differential {
namespace {

void same_results(const Task& task) {
    become_supervisor("differential", "", task);
}

constexpr Check table[] = {
    {"differential.calls",
     "the same calls (of a trace, with --replay) show a program the same on every allocator: NULL, errno, "
     "contents",
     "C17 7.22.3, POSIX", same_results, 60},
};

} // namespace

std::span<const Check> differential_checks() {
    return table;
}

} // namespace faultline::stress::differential
