#include "workloads/worker/trial.hpp"

#include "workloads/engine/arena.hpp"
#include "workloads/engine/clock.hpp"
#include "workloads/engine/die.hpp"
#include "workloads/engine/occupancy.hpp"
#include "workloads/engine/report.hpp"
#include "workloads/worker/resolution.hpp"

#include <benchmark/benchmark.h>
#include <cerrno>
#include <cstring>
#include <optional>
#include <sstream>
#include <sys/mman.h>
#include <time.h>

namespace faultline::worker {

namespace {

using engine::Phase;

// What is known once the phases are over.
struct Outcome {
    std::optional<Error> error;
    std::uint64_t checksum = 0;
    std::uint64_t operations = 0;
    std::uint64_t harness_bytes = 0;
    std::uint64_t harness_file_bytes = 0;
    std::vector<std::string> notes;
    std::vector<engine::FootprintSample> footprint;
    std::optional<std::string> occupancy; // as in engine::Report
};

// What the live blocks occupy, kept on the board behind a descriptor; without one, of no effect.
class OccupancyOfTrial {
  public:
    explicit OccupancyOfTrial(int fd) {
        if (fd < 0)
            return;
        void* const mapped =
            mmap(nullptr, sizeof(engine::OccupancyBoard), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (mapped == MAP_FAILED)
            engine::die(static_cast<int>(Exit::usage), "--occupancy-fd: cannot be mapped: %s",
                        strerrordesc_np(errno));
        reason_ = engine::Occupancy::why_not();
        if (reason_->empty())
            occupancy_.emplace(*new (mapped) engine::OccupancyBoard());
    }

    // At the end of a phase, when no thread makes or frees a block.
    void look(bool all_freed = false) {
        if (occupancy_ && reason_->empty())
            *reason_ = all_freed ? occupancy_->trouble_at_end() : occupancy_->trouble();
    }
    const std::optional<std::string>& reason() const { return reason_; }

  private:
    std::optional<std::string> reason_;
    std::optional<engine::Occupancy> occupancy_;
};

// A listener hears every call, so that none is timed.
engine::Arguments arguments_of(const TrialOptions& options) {
    engine::Arguments arguments = options.arguments;
    if (options.occupancy_fd >= 0)
        arguments.values.insert_or_assign("latency_every", std::string(1, '0'));
    return arguments;
}

void idle(std::uint64_t ms) {
    timespec left{static_cast<time_t>(ms / 1000), static_cast<long>(ms % 1000 * 1'000'000)};
    while (nanosleep(&left, &left) != 0) {
    }
}

void run_phases(benchmark::State& state, const TrialOptions& options, engine::PhaseGate& gate,
                engine::Arena& latency_arena, engine::LatencyRecorder& latency, Outcome& outcome) {
    OccupancyOfTrial occupancy(options.occupancy_fd);
    const std::unique_ptr<engine::Workload> workload = options.spec->make(arguments_of(options));
    engine::Ticks::calibrate();
    if (const Result<void> prepared = workload->prepare(); !prepared) {
        outcome.error = prepared.error();
        state.SkipWithError("the workload could not be prepared");
        return;
    }
    // One iteration: Google Benchmark's own bookkeeping stands outside of it, and between `warmup` and `end`
    // nothing but the workload calls the allocator.
    for ([[maybe_unused]] auto _ : state) {
        gate.enter(Phase::warmup);
        workload->warmup();
        occupancy.look();
        gate.enter(Phase::measure);
        workload->measure();
        occupancy.look();
        gate.enter(Phase::drain);
        workload->drain();
        occupancy.look(/*all_freed=*/true);
        gate.enter(Phase::idle);
        idle(options.idle_ms);
        gate.enter(Phase::end);
        state.SetIterationTime(static_cast<double>(gate.times(Phase::measure).wall_ns) * 1e-9);
    }
    outcome.operations = workload->operations();
    outcome.checksum = workload->checksum();
    outcome.harness_bytes = engine::Arena::process_bytes();
    outcome.harness_file_bytes = workload->mapped_bytes();
    outcome.notes = workload->notes();
    outcome.occupancy = occupancy.reason();
    outcome.footprint.assign(workload->footprint().begin(), workload->footprint().end());
    workload->collect_latency(latency, latency_arena);
    state.SetItemsProcessed(static_cast<std::int64_t>(outcome.operations));
}

} // namespace

Result<void> run_trial(const TrialOptions& options, engine::PhaseGate& gate) {
    Outcome outcome;
    engine::Arena latency_arena;
    engine::LatencyRecorder latency;
    const std::string name = label(*options.spec, options.arguments);
    benchmark::RegisterBenchmark(
        name.c_str(),
        [&](benchmark::State& state) { run_phases(state, options, gate, latency_arena, latency, outcome); })
        ->Iterations(1)
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);

    std::ostringstream google_benchmark;
    if (options.report_fd >= 0) {
        benchmark::JSONReporter json;
        json.SetOutputStream(&google_benchmark);
        json.SetErrorStream(&google_benchmark);
        benchmark::RunSpecifiedBenchmarks(&json);
    } else {
        benchmark::RunSpecifiedBenchmarks();
    }
    benchmark::ClearRegisteredBenchmarks(); // the lambda above refers to this frame
    if (outcome.error)
        return tl::unexpected(*outcome.error);
    if (options.report_fd < 0)
        return {};
    outcome.notes.push_back(std::string("single operations timed by ") +
                            (engine::Ticks::from_tsc() ? "rdtsc" : "CLOCK_MONOTONIC") +
                            ", which alone shows " + std::to_string(engine::Ticks::overhead_ns()) + " ns");
    const engine::Report report{.spec = options.spec,
                                .arguments = &options.arguments,
                                .phases = &gate,
                                .latency = &latency,
                                .resolved = resolved_symbols(),
                                .checksum = outcome.checksum,
                                .operations = outcome.operations,
                                .harness_bytes = outcome.harness_bytes,
                                .harness_file_bytes = outcome.harness_file_bytes,
                                .notes = std::move(outcome.notes),
                                .footprint = std::move(outcome.footprint),
                                .occupancy = std::move(outcome.occupancy),
                                .google_benchmark = google_benchmark.str()};
    return engine::write_all(options.report_fd, to_json(report) + "\n");
}

} // namespace faultline::worker
