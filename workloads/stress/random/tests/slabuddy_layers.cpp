// Random operations, faults and soak on slabuddy's layers, linked instead of preloaded: what a sanitizer can watch.
// Usage: PROGRAM random|faults|soak SECONDS SEED
#include "allocators/slabuddy/heap.hpp"
#include "allocators/slabuddy/purge.hpp"
#include "allocators/slabuddy/stats.hpp"
#include "allocators/slabuddy/tests/refusals.hpp"
#include "workloads/engine/clock.hpp"
#include "workloads/engine/rng.hpp"
#include "workloads/stress/faults/script.hpp"
#include "workloads/stress/random/episodes.hpp"
#include "workloads/stress/soak/soak.hpp"
#include "workloads/stress/voice.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace faultline::stress;
using faultline::engine::monotonic_ns;

namespace {

void* allocate(const Step& step) {
    if (faultline::trace::has_alignment(step.op)) {
        return sb::allocate_aligned(std::max<std::size_t>(step.extra, 16), step.size);
    }
    return step.op == faultline::trace::Op::calloc ? sb::allocate_zeroed(step.size) : sb::allocate(step.size);
}
void* reallocate(void* old, const Step& step) {
    return sb::reallocate(old, step.size);
}
void release(void* block, const Step& /*maker*/) {
    sb::release(block);
}
std::size_t usable_size(void* block) {
    return sb::usable_size(block);
}

void* allocate_how(How how, std::size_t size, std::size_t alignment) {
    switch (how) {
    case How::calloc:
        return sb::allocate_zeroed(size);
    case How::aligned:
    case How::posix_aligned:
        return sb::allocate_aligned(alignment, size);
    default:
        return sb::allocate(size);
    }
}
constexpr HeapCalls layers = {allocate_how, sb::reallocate,
                              [](void* block, How /*how*/) { sb::release(block); }, [] { sb::purge_all(); }};

std::uint64_t held_bytes() {
    const sb::Totals totals = sb::totals();
    return totals.live_bytes + totals.area_bytes + totals.cached_area_bytes + totals.dirty_bytes +
           totals.metadata_bytes;
}

Pulse& shared_pulse() {
    void* page = ::mmap(nullptr, sizeof(Pulse), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return *new (page) Pulse;
}

// The script with a call refused, or all from it on, in a child each; which one is drawn. Status 1 when one does not end
// well: it has said why.
int refuse_calls(const OrdealOptions& options) {
    constexpr std::uint64_t most_runs_in_vain = 20;
    static Pulse& pulse = shared_pulse();
    static std::atomic<long>& reached = *new (
        ::mmap(nullptr, sizeof(std::atomic<long>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
                                            std::atomic<long>(0);
    refusals::is_time = [] { return pulse.stage.load() == script_suffers; };
    faultline::engine::Rng rng(options.seed, 0);
    const std::uint64_t deadline = monotonic_ns() + options.seconds * std::uint64_t{1'000'000'000};
    std::uint64_t runs = 0;
    long all = 0;
    std::uint64_t refused_runs = 0;
    // The first run only counts the calls. A slow machine that has time for no other goes on until a call is refused.
    for (; monotonic_ns() < deadline || (refused_runs == 0 && runs < most_runs_in_vain); ++runs) {
        refusals::first = all == 0 ? 0 : 1 + static_cast<long>(rng.below(std::max(1L, all >> rng.below(12))));
        refusals::the_rest = rng.chance(50);
        const pid_t child = ::fork();
        if (child == 0) {
            run_script(layers, pulse);
            reached = refusals::calls.load();
            ::_exit(0);
        }
        int status = 0;
        if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) {
            std::fprintf(stderr, "the run with call %ld of %ld refused%s ended with wait status %d\n",
                         refusals::first, all, refusals::the_rest ? ", and all that follow," : "", status);
            return 1;
        }
        all = std::max(all, reached.load());
        refused_runs += refusals::first != 0 && reached >= refusals::first ? 1 : 0;
    }
    if (all == 0) {
        std::fprintf(stderr, "the script makes no call that could be refused\n");
        return 1;
    }
    if (refused_runs == 0) {
        std::fprintf(stderr, "in %llu runs no call was refused\n", static_cast<unsigned long long>(runs));
        return 1;
    }
    figure("calls", static_cast<std::uint64_t>(all));
    figure("runs", runs);
    figure("runs-with-a-refusal", refused_runs);
    figure("refusals", pulse.refusals);
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    const char* what = argc > 1 ? argv[1] : "random";
    OrdealOptions options;
    options.seconds = argc > 2 ? static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10)) : 3;
    options.seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1;
    sb::heap_start(environ);
    if (std::strcmp(what, "faults") == 0) {
        return refuse_calls(options);
    }
    static Pulse pulse;
    if (std::strcmp(what, "soak") == 0) {
        run_soak(layers, options, pulse, held_bytes); // a short one too: what was written is looked at
        return 0;
    }
    run_episodes({allocate, reallocate, release, usable_size, layers.trim}, options, pulse, held_bytes);
}
