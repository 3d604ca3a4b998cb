#include "workloads/worker/standalone.hpp"

#include "workloads/catalog/catalog.hpp"
#include "workloads/engine/clock.hpp"

#include <benchmark/benchmark.h>

namespace faultline::worker {

namespace {

std::unique_ptr<engine::Workload> prepared(benchmark::State& state, const engine::WorkloadSpec& spec,
                                           const engine::Arguments& arguments) {
    std::unique_ptr<engine::Workload> workload = spec.make(arguments);
    if (const Result<void> result = workload->prepare(); !result) {
        state.SkipWithError(result.error().line().c_str());
        return nullptr;
    }
    return workload;
}

void run_micro(benchmark::State& state, const engine::WorkloadSpec& spec,
               const engine::Arguments& arguments) {
    const std::unique_ptr<engine::Workload> workload = prepared(state, spec, arguments);
    if (workload == nullptr)
        return;
    workload->warmup();
    for ([[maybe_unused]] auto _ : state)
        workload->measure();
    workload->drain();
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(workload->operations()));
}

void run_stream(benchmark::State& state, const engine::WorkloadSpec& spec,
                const engine::Arguments& arguments) {
    std::int64_t operations = 0;
    for ([[maybe_unused]] auto _ : state) {
        const std::unique_ptr<engine::Workload> workload = prepared(state, spec, arguments);
        if (workload == nullptr)
            return;
        workload->warmup();
        const std::uint64_t begin_ns = engine::monotonic_ns();
        workload->measure();
        state.SetIterationTime(static_cast<double>(engine::monotonic_ns() - begin_ns) * 1e-9);
        workload->drain();
        operations += static_cast<std::int64_t>(workload->operations());
    }
    state.SetItemsProcessed(operations);
}

void register_one(const engine::WorkloadSpec& spec, unsigned threads) {
    std::map<std::string, std::string, std::less<>> given{{"latency_every", "0"}};
    if (spec.micro)
        given.emplace("operations", "1024");
    const Result<engine::Arguments> arguments = resolve(spec, threads, 1, given, "");
    if (!arguments)
        return; // it needs a file
    std::string name(spec.name);
    if (spec.threaded && name.ends_with('N'))
        name.replace(name.size() - 1, 1, std::to_string(threads));
    const auto run = spec.micro ? run_micro : run_stream;
    auto* registered = benchmark::RegisterBenchmark(
        name.c_str(),
        [run, &spec, arguments = *arguments](benchmark::State& state) { run(state, spec, arguments); });
    if (!spec.micro)
        registered->Iterations(1)->UseManualTime()->Unit(benchmark::kMillisecond);
}

} // namespace

void register_catalog() {
    for (const engine::WorkloadSpec* spec : catalog()) {
        register_one(*spec, 1);
        if (spec->threaded)
            register_one(*spec, 2);
    }
}

} // namespace faultline::worker
