#include "workloads/stress/random/episodes.hpp"

#include "workloads/engine/clock.hpp"
#include "workloads/stress/random/execute.hpp"
#include "workloads/stress/random/generate.hpp"
#include "workloads/stress/random/leak_watch.hpp"
#include "workloads/stress/random/plan_file.hpp"
#include "workloads/stress/random/resident.hpp"
#include "workloads/stress/voice.hpp"

#include <algorithm>
#include <cstdio>

namespace faultline::stress {
namespace {

constexpr unsigned runs = 3; // of an episode
constexpr std::uint64_t planned_every =
    4; // episodes: of one in so many the first run is in planned order, which is
       // slow but fails the same way each time
constexpr std::uint64_t first_judgement = 24; // episodes until a leak is looked for

std::uint64_t resident_but_for(std::uint64_t own_bytes) {
    const std::uint64_t resident = own_resident_bytes();
    return resident > own_bytes ? resident - own_bytes : 0;
}

std::uint64_t asked_bytes(const Plan& plan) {
    std::uint64_t sum = 0;
    for (const Step& step : plan.steps) {
        sum += step.makes() ? step.size : 0;
    }
    return sum;
}

// What the heap itself says that it holds is exact. What is resident is not: glibc keeps the top of each arena, and makes
// arenas for as long as threads contend, in up to hundreds of episodes that differ a hundred times in size.
void look_for_leak(LeakWatch& watch, std::uint64_t held_bytes, std::uint64_t asked, bool is_exact) {
    if (watch.offer(held_bytes, asked) != Suspicion::proved) {
        return;
    }
    char what[256];
    std::snprintf(what, sizeof what,
                  "with nothing alive and free memory given back, %.1f KiB of each MiB that was asked for "
                  "stay, %llu MiB now (Mann-Kendall z %.1f, the second time)",
                  watch.growth() * 1024, static_cast<unsigned long long>(held_bytes >> 20), watch.drift().z);
    if (is_exact) {
        fail("memory leaks: %s", what);
    }
    untried("whether it leaks or its arenas still fill up, soak.mixed tells: %s", what);
}

} // namespace

void run_episodes(const Calls& calls, const OrdealOptions& options, Pulse& pulse, HeldBytes held_bytes) {
    engine::Arena arena;
    const std::span<Step> room = arena.array<Step>(most_steps);
    const std::span<std::uint32_t> live = arena.array<std::uint32_t>(most_steps);
    Executor executor(calls, {most_steps, most_steps, most_threads}, pulse.progress);
    LeakWatch watch(first_judgement);
    const std::uint64_t deadline = engine::monotonic_ns() + options.seconds * 1'000'000'000ULL;
    std::uint64_t asked = 0;
    std::uint64_t episode = options.episode;
    for (; engine::monotonic_ns() < deadline; ++episode) {
        const Plan plan = generate(options.seed, episode, options.variant == with_forks, room, live);
        pulse.episode.store(episode, std::memory_order_relaxed);
        char name[96];
        for (unsigned run = 0; run < runs; ++run) {
            const bool is_free = run > 0 || episode % planned_every != 0;
            std::snprintf(name, sizeof name, "seed %llu, episode %llu, %s order",
                          static_cast<unsigned long long>(options.seed),
                          static_cast<unsigned long long>(episode), is_free ? "free" : "planned");
            pulse.in_free_order.store(is_free ? 1 : 0, std::memory_order_relaxed);
            executor.perform(plan, is_free ? Order::free : Order::planned, options.seed, name);
        }
        if (watch.is_suspicious()) {
            calls.trim();
        }
        asked += runs * asked_bytes(plan);
        const bool is_exact = held_bytes != nullptr;
        look_for_leak(watch, is_exact ? held_bytes() : resident_but_for(executor.own_bytes()), asked,
                      is_exact);
    }
    if (const Drift drift = watch.drift_so_far(); watch.is_suspicious() || drift.is_leak) {
        untried("resident memory grew by %llu MiB with nothing alive; whether it leaks needs a longer run",
                static_cast<unsigned long long>((drift.is_leak ? drift : watch.drift()).gained >> 20));
    } else if (watch.judgements() == 0) {
        untried("whether memory leaks was not judged: %llu of the %llu episodes that it takes",
                static_cast<unsigned long long>(episode - options.episode),
                static_cast<unsigned long long>(first_judgement));
    }
    figure("episodes", episode - options.episode);
    figure("steps", pulse.progress.load());
    figure("looks-for-a-leak", watch.judgements());
}

void run_plan(const Calls& calls, const OrdealOptions& options, Pulse& pulse, int plan_fd) {
    const MappedPlan mapped = map_plan_file(plan_fd);
    const Plan& plan = mapped.plan;
    Executor executor(calls, {plan.steps.size(), plan.blocks, std::max(plan.threads, 1U)}, pulse.progress);
    const std::uint64_t deadline = engine::monotonic_ns() + options.seconds * 1'000'000'000ULL;
    for (unsigned run = 0; options.in_free_order ? engine::monotonic_ns() < deadline : run < options.repeat;
         ++run) {
        executor.perform(plan, options.in_free_order ? Order::free : Order::planned, mapped.seed,
                         "the trace");
    }
}

} // namespace faultline::stress
