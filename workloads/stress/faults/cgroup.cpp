// The checks that a worker goes through in a memory cgroup.
#include "workloads/stress/faults/supervise.hpp"

#include "workloads/stress/faults/fill.hpp"
#include "workloads/stress/faults/memory_group.hpp"
#include "workloads/stress/ordeal/spawn.hpp"
#include "workloads/stress/voice.hpp"

#include <csignal>
#include <string>

namespace faultline::stress {
namespace {

constexpr std::uint64_t limit_bytes = 256ULL << 20; // for `reuse`, which keeps 64 MiB alive, and for `fill`
constexpr unsigned hang_looks = 1500;

struct Outcome {
    Ending ending;
    std::uint64_t round = 0;
    std::uint64_t live_bytes = 0;
    std::uint64_t kills = 0; // by the kernel, for want of memory
};

// The group is gone when this returns. Skips where none can be made.
Outcome run_in_group(const char* role, const OrdealOptions& options) {
    MemoryGroup group(limit_bytes);
    if (group.path().empty()) {
        skip("no memory cgroup can be made here: run as root, with the memory controller");
    }
    Worker worker;
    worker.arguments = options.for_worker().arguments(role);
    worker.preload = options.preload;
    worker.prepare = MemoryGroup::enter;
    worker.context = &group;
    Result<Running> running = Running::start(worker);
    if (!running) {
        skip("%s", running.error().line().c_str());
    }
    Outcome outcome;
    outcome.ending = running->watch(hang_looks, UINT64_MAX);
    outcome.round = running->pulse().episode;
    outcome.live_bytes = running->pulse().live_bytes;
    // A kernel that does not count its kills does not tell one from another's.
    const bool was_killed = outcome.ending.kind == Ending::Kind::killed && outcome.ending.number == SIGKILL;
    outcome.kills = group.kills().value_or(was_killed ? 1 : 0);
    return outcome;
}

unsigned long long mebibytes(std::uint64_t bytes) {
    return bytes >> 20;
}

} // namespace

void supervise_cgroup(const OrdealOptions& options) {
    const Outcome outcome = run_in_group("work-reuse", options);
    if (outcome.kills > 0) {
        fall_short("with 64 MiB alive it did not stay within 256 MiB, and was killed for it, in round %llu",
                   static_cast<unsigned long long>(outcome.round));
    }
    if (outcome.ending.kind != Ending::Kind::exited || outcome.ending.number != 0) {
        fail("the program %s", describe(outcome.ending).c_str());
    }
}

void supervise_out_of_memory(const OrdealOptions& options) {
    const Outcome outcome = run_in_group("work-fill", options);
    const Ending& ending = outcome.ending;
    figure("alive-mib", outcome.live_bytes >> 20);
    if (ending.kind == Ending::Kind::exited && ending.number == status_failed) {
        ::_exit(status_failed); // it has said why
    }
    if (outcome.live_bytes >= most_filled_bytes) {
        skip("%llu MiB came alive in a group of %llu MiB: the limit is not felt here",
             mebibytes(outcome.live_bytes), mebibytes(limit_bytes));
    }
    const bool was_refused = ending.kind == Ending::Kind::exited && ending.number == 0;
    if (outcome.kills == 0 && !was_refused) {
        fail("before memory ran out, with %llu MiB alive of %llu, the program %s",
             mebibytes(outcome.live_bytes), mebibytes(limit_bytes), describe(ending).c_str());
    }
    if (outcome.live_bytes < limit_bytes / 2) {
        fall_short("memory ran out with %llu MiB alive of %llu", mebibytes(outcome.live_bytes),
                   mebibytes(limit_bytes));
    }
}

} // namespace faultline::stress
