// faultline-worker: a Google Benchmark program of every workload, and, with --workload, the process of one
// trial.
#include "workloads/engine/protocol.hpp"
#include "workloads/engine/report.hpp"
#include "workloads/worker/census.hpp"
#include "workloads/worker/resolution.hpp"
#include "workloads/worker/standalone.hpp"
#include "workloads/worker/trial.hpp"

#include <CLI/CLI.hpp>
#include <benchmark/benchmark.h>
#include <cstdio>
#include <new>
#include <unistd.h>

namespace {

using namespace faultline;

struct CommandLine {
    std::string workload;
    unsigned threads = 0;
    std::uint64_t seed = 1;
    std::vector<std::string> set;
    std::uint64_t idle_ms = 0;
    int phase_fd = -1;
    int report_fd = -1;
    int occupancy_fd = -1;
    bool identify = false;
    bool census = false;
    std::vector<std::string> rest; // Google Benchmark's
};

int complain(const Error& error) {
    std::fprintf(stderr, "faultline-worker: %s\n", error.line().c_str());
    return static_cast<int>(error.status);
}

Result<worker::TrialOptions> trial_options(const CommandLine& line) {
    Result<Selection> selection = select_workload(line.workload, "--workload");
    if (!selection)
        return tl::unexpected(selection.error());
    for (const std::string& item : line.set) {
        const std::size_t equals = item.find('=');
        if (equals == 0 || equals == std::string::npos)
            return fail(Exit::usage, "--set", "\"" + item + "\" is not key=value");
        selection->given.insert_or_assign(item.substr(0, equals), item.substr(equals + 1));
    }
    const unsigned threads = line.threads != 0 ? line.threads : selection->threads.value_or(1);
    Result<engine::Arguments> arguments =
        resolve(*selection->spec, threads, line.seed, selection->given, "--workload");
    if (!arguments)
        return tl::unexpected(arguments.error());
    return worker::TrialOptions{selection->spec, *std::move(arguments), line.idle_ms, line.report_fd,
                                line.occupancy_fd};
}

// Google Benchmark takes what it knows out of argv and leaves the rest. It remembers the pointer to the
// program's name.
Result<void> initialize_benchmark(char* program, std::vector<std::string> rest) {
    std::vector<char*> argv{program};
    for (std::string& word : rest)
        argv.push_back(word.data());
    int argc = static_cast<int>(argv.size());
    argv.push_back(nullptr);
    benchmark::Initialize(&argc, argv.data());
    if (argc > 1)
        return fail(Exit::usage, argv[1], "there is no such option", "see faultline-worker --help");
    return {};
}

Result<void> run(const CommandLine& line, char* program, engine::PhaseGate& gate) {
    if (line.identify) {
        std::puts(worker::identity().c_str());
        return {};
    }
    if (Result<void> known = initialize_benchmark(program, line.rest); !known)
        return known;
    if (!line.workload.empty()) {
        const Result<worker::TrialOptions> options = trial_options(line);
        if (!options)
            return tl::unexpected(options.error());
        if (!line.census)
            return run_trial(*options, gate);
        const Result<std::string> census = worker::take_census(*options->spec, options->arguments);
        if (!census)
            return tl::unexpected(census.error());
        return engine::write_all(line.report_fd >= 0 ? line.report_fd : STDOUT_FILENO, *census);
    }
    worker::register_catalog();
    benchmark::RunSpecifiedBenchmarks();
    return {};
}

int run_command(int argc, char** argv) {
    CommandLine line;
    CLI::App app{
        "Runs allocation workloads on whatever malloc this process has.\n"
        "Without --workload: a Google Benchmark program (--benchmark_list_tests, --benchmark_filter=REGEX, "
        "--benchmark_format=json, ...).\n"
        "Example: LD_PRELOAD=libjemalloc.so.2 faultline-worker --workload=larson2 --set operations=2M",
        "faultline-worker"};
    app.add_option("--workload", line.workload, "run one trial of this workload: NAME[:key=value,...]");
    app.add_option("--threads", line.threads, "number of threads")
        ->check(CLI::Range(1U, engine::max_threads));
    app.add_option("--seed", line.seed, "of the operation stream");
    app.add_option("--set", line.set, "a parameter of the workload: key=value")->allow_extra_args(false);
    app.add_option("--idle-ms", line.idle_ms, "how long to stand idle after all is freed");
    app.add_option("--phase-fd", line.phase_fd, "SOCK_SEQPACKET socket for phase marks");
    app.add_option("--report-fd", line.report_fd, "where the JSON report goes");
    app.add_option("--occupancy-fd", line.occupancy_fd,
                   "memory file on which to keep what live blocks occupy; nothing is timed then");
    app.add_flag("--identify", line.identify,
                 "say which objects answer malloc, with their versions, and exit");
    app.add_flag("--census", line.census,
                 "count what --workload calls, in a dry run, and print it as JSON instead of timing it");
    app.allow_extras();
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& asked) { // --help
        return app.exit(asked);
    } catch (const CLI::ParseError& error) {
        return complain({Exit::usage, "", error.what(), "see faultline-worker --help"});
    }
    line.rest = app.remaining();
    engine::PhaseGate gate(line.phase_fd);
    if (const Result<void> done = run(line, argv[0], gate); !done)
        return complain(done.error());
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run_command(argc, argv);
    } catch (
        const std::bad_alloc&) { // outside of the phases: the worker's own words come from the same malloc
        std::fputs("faultline-worker: the allocator returned NULL to the worker itself\n", stderr);
        return engine::worker_no_memory;
    } catch (const std::exception& unexpected) {
        return complain({Exit::software, "", unexpected.what(), "this is a bug; please report it"});
    }
}
