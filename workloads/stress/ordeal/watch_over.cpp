#include "workloads/stress/ordeal/watch_over.hpp"

#include "workloads/stress/ordeal/spawn.hpp"
#include "workloads/stress/voice.hpp"

namespace faultline::stress {
namespace {

constexpr unsigned hang_looks = 2000;            // 20 s without a call
constexpr std::uint64_t most_bytes = 4ULL << 30; // no worker has more than an eighth of that alive

} // namespace

void watch_over(const char* role, const OrdealOptions& options, int plan_fd) {
    Worker worker;
    worker.arguments = options.for_worker().arguments(role);
    worker.preload = options.preload;
    worker.plan_fd = plan_fd;
    Result<Running> running = Running::start(worker);
    if (!running) {
        skip("%s", running.error().line().c_str());
    }
    const Ending ending = running->watch(hang_looks, most_bytes);
    if (ending.kind == Ending::Kind::exited &&
        (ending.number == status_failed || ending.number == status_skipped)) {
        ::_exit(ending.number); // it has said why
    }
    if (ending.kind != Ending::Kind::exited || ending.number != 0) {
        fail("the program %s in part %llu", describe(ending).c_str(),
             static_cast<unsigned long long>(running->pulse().episode.load()));
    }
}

} // namespace faultline::stress
