#include "workloads/stress/random/supervise.hpp"

#include "workloads/stress/ordeal/spawn.hpp"
#include "workloads/stress/random/episodes.hpp"
#include "workloads/stress/random/generate.hpp"
#include "workloads/stress/random/plan_file.hpp"
#include "workloads/stress/random/shrink.hpp"
#include "workloads/stress/voice.hpp"

#include <filesystem>
#include <optional>

namespace faultline::stress {
namespace {

constexpr unsigned hang_looks = 2000;            // 20 s without a step
constexpr unsigned try_hang_looks = 400;         // 4 s; in_a_child's own wait counts as progress
constexpr std::uint64_t most_bytes = 3ULL << 30; // where at most some 130 MiB are alive
constexpr unsigned planned_repeats = 3;
constexpr unsigned free_try_seconds = 1;

[[noreturn]] void cannot(const Error& error) {
    skip("%s", error.line().c_str());
}

KeptPlan plan_of_episode(const OrdealOptions& options) {
    std::vector<Step> room(most_steps);
    std::vector<std::uint32_t> live(most_steps);
    const Plan plan = generate(options.seed, options.episode, options.variant == with_forks, room, live);
    KeptPlan kept;
    kept.steps.assign(plan.steps.begin(), plan.steps.end());
    kept.blocks = plan.blocks;
    kept.threads = plan.threads;
    kept.lanes = plan.lanes;
    kept.seed = options.seed;
    return kept;
}

// How a fresh process with the allocator ends that carries out this plan.
Ending carry_out(const KeptPlan& kept, const OrdealOptions& options, bool silent, unsigned seconds,
                 unsigned looks) {
    const Result<Fd> file = make_plan_file(kept);
    if (!file) {
        cannot(file.error());
    }
    OrdealOptions told = options.for_worker();
    told.in_free_order = kept.is_free;
    told.repeat = planned_repeats;
    told.seconds = seconds;
    Worker worker;
    worker.arguments = told.arguments("work-plan");
    worker.preload = options.preload;
    worker.silent = silent;
    worker.plan_fd = file->get();
    Result<Running> running = Running::start(worker);
    if (!running) {
        cannot(running.error());
    }
    return running->watch(looks, most_bytes);
}

bool is_failure(const Ending& ending) {
    return ending.kind != Ending::Kind::exited || ending.number != 0;
}

bool still_fails(const KeptPlan& kept, const OrdealOptions& options) {
    OrdealOptions unheard = options;
    unheard.report_fd = STDOUT_FILENO; // which goes nowhere
    return is_failure(carry_out(kept, unheard, true, free_try_seconds, try_hang_looks));
}

// The plan by itself, in the order in which it can be seen to fail; nullopt when it does not.
std::optional<KeptPlan> reproduced(KeptPlan kept, const OrdealOptions& options) {
    for (const bool is_free : {false, true}) {
        kept.is_free = is_free;
        if (still_fails(kept, options)) {
            return kept;
        }
    }
    return std::nullopt;
}

std::filesystem::path trace_path(const OrdealOptions& options) {
    return std::filesystem::path(options.artifacts) /
           ("random-" + std::to_string(options.seed) + "-" + std::to_string(options.episode) + ".fltrace");
}

void keep(const KeptPlan& kept, const OrdealOptions& options, const std::string& about) {
    std::error_code error;
    std::filesystem::create_directories(options.artifacts, error);
    const std::filesystem::path path = trace_path(options);
    if (const auto written = write_trace(path, kept, about); !written) {
        note("%s", written.error().line().c_str());
        return;
    }
    artifact("%s", path.c_str());
}

void explain(const OrdealOptions& options) {
    if (options.artifacts.empty()) {
        return;
    }
    const KeptPlan whole = plan_of_episode(options);
    const std::optional<KeptPlan> failing = reproduced(whole, options);
    if (!failing) {
        note("episode %llu by itself does not fail again: run the same seed again for the whole course",
             static_cast<unsigned long long>(options.episode));
        keep(whole, options, "stress.episode=" + std::to_string(options.episode) + "\n");
        return;
    }
    const auto fails = [&](const KeptPlan& candidate) { return still_fails(candidate, options); };
    const Shrunk shrunk = shrink(*failing, fails, ShrinkLimits{});
    figure("steps-of-the-episode", whole.steps.size());
    figure("steps-that-fail", shrunk.kept.steps.size());
    figure("tries", shrunk.tries);
    keep(shrunk.kept, options, "stress.episode=" + std::to_string(options.episode) + "\n");
}

} // namespace

void supervise_random(const OrdealOptions& options) {
    Worker worker;
    worker.arguments = options.for_worker().arguments("work-episodes");
    worker.preload = options.preload;
    Result<Running> running = Running::start(worker);
    if (!running) {
        cannot(running.error());
    }
    const Ending ending = running->watch(hang_looks, most_bytes);
    if (!is_failure(ending)) {
        return;
    }
    OrdealOptions failed = options;
    failed.episode = running->pulse().episode.load();
    const bool has_spoken = ending.kind == Ending::Kind::exited && ending.number == status_failed;
    if (running->pulse().progress > 0) { // else it was not even loaded
        explain(failed);
    }
    if (has_spoken) {
        ::_exit(status_failed);
    }
    fail("the program %s in episode %llu of seed %llu (%s order)", describe(ending).c_str(),
         static_cast<unsigned long long>(failed.episode), static_cast<unsigned long long>(options.seed),
         running->pulse().in_free_order.load() != 0 ? "free" : "planned");
}

void supervise_replay(const OrdealOptions& options) {
    const Result<KeptPlan> kept = read_trace(options.trace);
    if (!kept) {
        cannot(kept.error());
    }
    const Ending ending = carry_out(*kept, options, false, options.seconds, hang_looks);
    if (ending.kind == Ending::Kind::exited && ending.number == status_failed) {
        ::_exit(status_failed);
    }
    if (is_failure(ending)) {
        fail("the program %s", describe(ending).c_str());
    }
}

} // namespace faultline::stress
