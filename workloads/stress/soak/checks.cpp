#include "workloads/stress/ordeal/become.hpp"
#include "workloads/stress/soak/tables.hpp"

namespace faultline::stress::soak {
namespace {

void mixed(const Task& task) {
    become_supervisor("soak", "", task);
}

constexpr Check table[] = {
    {"soak.mixed",
     "under a load whose sizes change in cycles, neither resident memory nor "
     "fragmentation creeps up",
     "C17 7.22.3.3; of fragmentation, faultline expects it", mixed, 60, 10},
};

} // namespace

std::span<const Check> soak_checks() {
    return table;
}

} // namespace faultline::stress::soak
