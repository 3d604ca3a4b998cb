#include "harness/cli/scale_out.hpp"

#include "base/layout.hpp"
#include "harness/cli/dispatch.hpp"
#include "harness/cli/status_line.hpp"
#include "harness/cli/stop.hpp"
#include "harness/cli/table.hpp"
#include "harness/engines/conduct.hpp"
#include "harness/engines/slurm.hpp"
#include "harness/process/capture.hpp"
#include "harness/process/observe.hpp"
#include "harness/results/document.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <iterator>
#include <memory>

namespace faultline::cli {
namespace {

using results::Json;

class Shown final : public engines::Observer {
  public:
    explicit Shown(bool quiet) : status_(quiet) {}
    void happened(const std::string& line) override { status_.line(line); }
    void standing(const std::string& line) override { status_.show(line); }

  private:
    StatusLine status_;
};

// The one place that knows which engines there are.
std::unique_ptr<engines::Engine> make_engine(const ScaleOut& options, const engines::Job& job) {
    return std::make_unique<engines::Slurm>(job, engines::SlurmOptions{options.partition, options.sbatch});
}

Result<void> merge(const engines::Job& job, const std::string& output) {
    const auto program = find_external("merge");
    if (!program) {
        return fail(Exit::unavailable, "faultline-merge", "is not installed",
                    "install faultline's Python part, or build the whole tree");
    }
    std::vector<std::string> argv{program->string()};
    for (unsigned shard = 1; shard <= job.shards; ++shard) {
        argv.push_back(job.document(shard).string());
    }
    argv.insert(argv.end(), {"-o", output});
    auto merged = process::capture(argv);
    if (!merged) {
        return tl::unexpected(merged.error());
    }
    if (!merged->ok()) {
        return fail(Exit::data, "", process::last_line(merged->text),
                    "the shards are kept in " + job.folder.string());
    }
    return {};
}

Result<int> summarise(const std::string& output, std::uint64_t seed, const Saying& saying) {
    const auto document = results::read(output);
    if (!document) {
        return tl::unexpected(document.error());
    }
    const Json& trials = (*document)["trials"];
    const auto invalid = static_cast<std::size_t>(std::count_if(
        trials.begin(), trials.end(), [](const Json& trial) { return !trial.value("valid", false); }));
    const auto rounds = document->value("rounds_whole", std::size_t{0});
    if (saying.json) {
        const Json summary = {{"output", output},
                              {"rounds_whole", rounds},
                              {"complete", document->value("complete", false)},
                              {"trials", trials.size()},
                              {"invalid", invalid},
                              {"seed", seed}};
        std::printf("%s\n", summary.dump().c_str());
    } else {
        std::printf("results: %s, %s, %s\n", output.c_str(), counted(rounds, "round").c_str(),
                    counted(trials.size(), "trial").c_str());
    }
    if (invalid > 0) {
        std::fflush(stdout);
        return report({Exit::invalid_trials, output,
                       fmt::format("{} of {} trials are not valid", invalid, trials.size()),
                       "their reasons are in the document and the report"});
    }
    return 0;
}

} // namespace

void add_scale_out(CLI::App& command, ScaleOut& options) {
    CLI::Option* engine = command
                              .add_option("--engine", options.engine,
                                          "Where it runs: local, or slurm: as a job array, a shard a node")
                              ->check(CLI::IsMember({"local", "slurm"}))
                              ->capture_default_str();
    engine->excludes("--shard");
    command
        .add_option("--shards", options.shards,
                    "With --engine slurm: how many nodes share the plan; each runs its shard alone")
        ->check(CLI::Range(1, 10'000))
        ->needs(engine);
    command
        .add_option("--partition", options.partition, "With --engine slurm: where to [the cluster's default]")
        ->needs(engine);
    command
        .add_option("--sbatch", options.sbatch,
                    "With --engine slurm: an argument more of sbatch, as --sbatch=--constraint=epyc; may be "
                    "repeated")
        ->allow_extra_args(false)
        ->needs(engine);
}

std::vector<std::string> run_words(const CLI::App& command) {
    static const std::vector<std::string> own = {"help",   "engine", "shards", "partition", "sbatch", "shard",
                                                 "output", "report", "json",   "quiet",     "seed"};
    std::vector<std::string> words;
    for (const CLI::Option* option : command.get_options()) {
        const std::string name = option->get_lnames().empty() ? "" : option->get_lnames().front();
        if (option->count() == 0 || std::find(own.begin(), own.end(), name) != own.end()) {
            continue;
        }
        if (option->get_expected_max() == 0) {
            words.push_back("--" + name);
            continue;
        }
        const std::string prefix = name.empty() ? "" : "--" + name + "=";
        std::transform(option->results().begin(), option->results().end(), std::back_inserter(words),
                       [&](const std::string& value) { return prefix + value; });
    }
    return words;
}

Result<int> scale_out(const ScaleOut& options, std::uint64_t seed, const std::vector<std::string>& words,
                      const std::string& output, const Saying& saying) {
    std::error_code error;
    const std::filesystem::path whole = std::filesystem::absolute(output, error);
    engines::Job job;
    job.shards = options.shards;
    job.folder = whole.parent_path() / fmt::format("{}.shards-{}", whole.stem().string(), seed);
    std::vector<std::string> command = {(layout::prefix() / "bin" / "faultline").string(), "run"};
    command.insert(command.end(), words.begin(), words.end());
    command.push_back(fmt::format("--seed={}", seed));
    if (auto prepared = engines::prepare(job, command); !prepared) {
        return tl::unexpected(prepared.error());
    }
    const auto engine = make_engine(options, job);
    const StopSignal stop;
    Shown shown(saying.quiet);
    shown.happened(fmt::format("{} in {}", counted(job.shards, "shard"), job.folder.string()));
    const auto end = engines::conduct(*engine, job, stop.fd(), shown);
    if (!end) {
        std::filesystem::remove_all(job.folder, error);
        return tl::unexpected(end.error());
    }
    const std::string go_on = fmt::format("the same command with --seed {} goes on from {}", seed,
                                          counted(end->shards_there, "shard"));
    if (end->stopped) {
        std::fprintf(stderr, "faultline: stopped; %s in %s\n", go_on.c_str(), job.folder.c_str());
        return 128 + stop.number();
    }
    if (!end->given_up.empty()) {
        Error why = end->given_up.front();
        why.remedy += "; " + go_on;
        return tl::unexpected(why);
    }
    if (auto merged = merge(job, output); !merged) {
        return tl::unexpected(merged.error());
    }
    std::filesystem::remove_all(job.folder, error);
    return summarise(output, seed, saying);
}

} // namespace faultline::cli
