// `faultline run`: the main job. Reads what the user wrote, checks everything that can be checked before work
// starts, runs the rounds, prints a short table, and hands the document to the report.
#include "base/file.hpp"
#include "base/layout.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/describe.hpp"
#include "harness/cli/dispatch.hpp"
#include "harness/cli/invocation.hpp"
#include "harness/cli/progress.hpp"
#include "harness/cli/scale_out.hpp"
#include "harness/cli/stop.hpp"
#include "harness/cli/summary_table.hpp"
#include "harness/cli/table.hpp"
#include "harness/host/host.hpp"
#include "harness/plan/compose.hpp"
#include "harness/plan/shard.hpp"
#include "harness/plan/targets.hpp"
#include "harness/trial/campaign.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <optional>

extern char** environ;

namespace faultline::cli {
namespace {

using results::Json;

struct Options {
    std::vector<std::string> words;
    std::vector<std::string> allocators;
    std::vector<std::string> probes;
    std::vector<std::string> environment;
    std::vector<std::string> only;
    std::optional<unsigned> rounds;
    unsigned first_round = 0;
    std::optional<std::uint64_t> seed;
    std::optional<std::uint64_t> idle_ms;
    std::optional<std::uint64_t> timeout_s;
    std::uint64_t memory_limit_bytes = 0;
    std::string swap;       // empty: no pressure box
    std::string huge_pages; // the host's mode of them for the run; empty: as it is
    std::string page_cache; // dropped or warmed before each trial; empty: as it is
    std::string output = "results.json";
    std::string report;
    std::string shard; // empty: the whole plan
    ScaleOut scale_out;
    bool no_floor = false;
    bool dry = false;
    bool no_occupancy = false;
    bool json = false;
    bool quiet = false;
};

// As it is on any host.
Result<plan::Plan> choose_plan(const Options& options) {
    auto suite = plan::gather(options.words);
    if (!suite) {
        return tl::unexpected(suite.error());
    }
    suite->rounds = options.rounds.value_or(suite->rounds);
    suite->idle_ms = options.idle_ms.value_or(suite->idle_ms);
    suite->timeout_s = options.timeout_s.value_or(suite->timeout_s);
    if (!options.allocators.empty()) {
        suite->allocators = options.allocators;
    }
    auto composed = plan::compose(*suite, {options.only, !options.no_floor, layout::cache() / "programs"});
    if (!composed) {
        return composed;
    }
    plan::Plan& plan = *composed;
    plan.seed = options.seed.value_or(random_seed());
    plan.first_round = options.first_round;
    if (!options.shard.empty()) {
        const auto taken = plan::parse_shard(options.shard).and_then([&](plan::Shard shard) {
            return plan::take_shard(plan, std::move(shard));
        });
        if (!taken) {
            return tl::unexpected(taken.error());
        }
    }
    return composed;
}

// And what of it this host can run.
Result<plan::Plan> make_plan(const Options& options, std::uint64_t memory_bytes, const engine::Means& means) {
    auto chosen = choose_plan(options);
    if (!chosen) {
        return chosen;
    }
    plan::Plan& plan = *chosen;
    if (auto able = plan::fit_to_means(plan, means); !able) {
        return tl::unexpected(able.error());
    }
    if (auto fits = plan::fit_to_memory(plan, memory_bytes); !fits) {
        return tl::unexpected(fits.error());
    }
    return chosen;
}

void say_what_comes(const plan::Plan& plan, plan::Extras extras,
                    const std::vector<host::DoctorFinding>& findings) {
    std::size_t subjects = 0;
    bool floor = false;
    for (const plan::Arm& arm : plan.arms) {
        subjects += arm.role == plan::Role::subject ? 1 : 0;
        floor = floor || arm.role == plan::Role::floor;
    }
    const std::string shard =
        plan.shard ? fmt::format(", shard {} of {}", plan.shard->index, plan.shard->of) : "";
    const std::size_t workloads = plan.shard ? plan.shard->parts.size() : plan.rows.size();
    const plan::Estimate estimate = plan::estimate(plan, extras);
    const std::string after =
        estimate.extra_trials > 0 ? fmt::format(" and {} after them", estimate.extra_trials) : "";
    std::fprintf(stderr, "%s\n",
                 fmt::format("{}{}: {}, {}{}, {}, {}{}, seed {}", plan.suite, shard,
                             counted(workloads, "workload"), counted(subjects, "allocator"),
                             floor ? " and the floor" : "", counted(plan.rounds, "round"),
                             counted(plan.trials(), "trial"), after, plan.seed)
                     .c_str());
    std::fprintf(
        stderr, "%s\n",
        fmt::format("about {:.0f} min (a guess: {} ns an operation); at most {} live at a time, in {}",
                    std::ceil(estimate.seconds / 60), plan::guessed_ns_an_operation,
                    human_bytes(static_cast<double>(estimate.live_bytes)), estimate.live_row)
            .c_str());
    for (const plan::Skip& skip : plan.skips) {
        if (skip.by_design) {
            continue;
        }
        std::fprintf(stderr, "skipped: %s on %s: %s\n", plan.rows[skip.row].label.c_str(),
                     plan.arms[skip.arm].allocator.name.c_str(), skip.reason.c_str());
    }
    unsigned warnings = 0;
    for (const host::DoctorFinding& finding : findings) {
        warnings += finding.status == "ok" ? 0 : 1;
    }
    if (warnings > 0) {
        std::fprintf(stderr, "%u things about this host make results worse; see `faultline doctor`\n",
                     warnings);
    }
}

// `--dry-run`: all that can be wrong with the words was looked for, and nothing is run or written.
int say_plan(const plan::Plan& plan, plan::Extras extras, bool json) {
    if (!json) {
        say_what_comes(plan, extras, host::doctor());
        return 0;
    }
    Json workloads = Json::array();
    for (const plan::Row& row : plan.rows) {
        workloads.push_back(row.label);
    }
    Json allocators = Json::array();
    for (const plan::Arm& arm : plan.arms) {
        allocators.push_back(arm.allocator.name);
    }
    const Json said = {{"workloads", std::move(workloads)},
                       {"allocators", std::move(allocators)},
                       {"rounds", plan.rounds},
                       {"trials", plan.trials()}};
    std::printf("%s\n", said.dump().c_str());
    return 0;
}

// A report goes into a folder, which is made, or into a file of its own ending in .html.
Result<void> check_report_place(const std::string& place) {
    std::error_code error;
    if (place.ends_with(".html")) {
        return check_writable(place);
    }
    if (!place.empty() && std::filesystem::exists(place, error) &&
        !std::filesystem::is_directory(place, error)) {
        return fail(Exit::cannot_create, place, "is a file",
                    "give --report a folder, or a name ending in .html");
    }
    return {};
}

int make_report(const Options& options) {
    const auto status = run_external("report", {options.output, "-o", options.report});
    return status ? *status : report(status.error());
}

int finish(const Options& options, const plan::Plan& plan, const results::Document& document,
           const trial::CampaignEnd& end, int signal) {
    if (document.rounds_whole == 0) {
        std::fprintf(stderr, "faultline: stopped before the first round was whole; nothing was written\n");
        return 128 + signal;
    }
    if (options.json) {
        const Json summary = {{"output", options.output},      {"rounds_whole", document.rounds_whole},
                              {"complete", document.complete}, {"trials", document.trials.size()},
                              {"invalid", end.invalid},        {"seed", plan.seed}};
        std::printf("%s\n", summary.dump().c_str());
    } else {
        std::fputs(summary_table(plan, document).c_str(), stdout);
        std::printf("\nresults: %s\n", options.output.c_str());
    }
    std::fflush(stdout);
    if (!options.report.empty()) {
        if (const int status = make_report(options); status != 0) {
            return status;
        }
    }
    if (end.stopped) {
        std::fprintf(stderr, "faultline: stopped; %u of %u rounds are whole and in %s\n",
                     document.rounds_whole, plan.rounds, options.output.c_str());
        return 128 + signal;
    }
    if (end.invalid > 0) {
        return report({Exit::invalid_trials, options.output,
                       fmt::format("{} of {} trials are not valid", end.invalid, document.trials.size()),
                       "their reasons are in the document and the report"});
    }
    return 0;
}

// Of the pressure box; absent: none was asked for.
Result<std::optional<box::Swap>> wanted_swap(const Options& options) {
    if (options.swap.empty()) {
        return std::nullopt;
    }
    if (options.memory_limit_bytes == 0) {
        return fail(Exit::usage, "--swap", "a pressure box needs a limit", "add --memory-limit, as in 64M");
    }
    auto swap = box::parse_swap(options.swap);
    if (!swap) {
        return tl::unexpected(swap.error());
    }
    return *swap;
}

// Its shards on the nodes of an engine, which find out for themselves what they can run.
int run_on_engine(const Options& options, const CLI::App& command) {
    auto plan = choose_plan(options);
    if (!plan) {
        return report(plan.error());
    }
    if (auto enough = plan::take_shard(*plan, {1, options.scale_out.shards, {}}); !enough) {
        return report(enough.error());
    }
    const auto said = scale_out(options.scale_out, plan->seed, run_words(command), options.output,
                                {.json = options.json, .quiet = options.quiet});
    if (!said) {
        return report(said.error());
    }
    const bool there = *said == 0 || *said == static_cast<int>(Exit::invalid_trials);
    if (!there || options.report.empty()) {
        return *said;
    }
    const int status = make_report(options);
    return status != 0 ? status : *said;
}

int run(const Options& options, const CLI::App& command) {
    if (!options.dry) {
        if (auto writable = check_writable(options.output); !writable) {
            return report(writable.error());
        }
    }
    if (auto place = check_report_place(options.report); !place) {
        return report(place.error());
    }
    if (options.scale_out.engine != "local") {
        return run_on_engine(options, command);
    }
    auto extra = parse_environment(options.environment);
    if (!extra) {
        return report(extra.error());
    }
    trial::Settings settings;
    settings.variables = process::inherited(environ, *extra);
    const std::uint64_t spare = host::available_memory_bytes() / 5 * 4;
    settings.memory_limit_bytes = options.memory_limit_bytes > 0 ? options.memory_limit_bytes : spare;
    auto swap = wanted_swap(options);
    if (!swap) {
        return report(swap.error());
    }
    const std::uint64_t room = settings.memory_limit_bytes + (*swap ? (*swap)->bytes : 0);
    engine::Means means = host::means();
    means.swap_bytes += *swap ? (*swap)->bytes : 0;
    auto plan = make_plan(options, std::min(spare, room), means);
    if (!plan) {
        return report(plan.error());
    }
    std::vector<std::string> groups = options.probes;
    const trial::Probing probing =
        std::erase(groups, "inline") > 0 ? trial::Probing::within : trial::Probing::apart;
    auto probes = probes::make_probes(
        groups, {.timed = probing == trial::Probing::within, .swaps = *swap && (*swap)->bytes > 0});
    if (!probes) {
        return report(probes.error());
    }
    const trial::Apart apart{.probing = probing, .occupancy = !options.no_occupancy};
    const plan::Extras extras = trial::extras_of(*plan, *probes, apart);
    if (options.dry) {
        return say_plan(*plan, extras, options.json);
    }
    std::optional<box::Box> box;
    if (*swap) {
        auto made = box::Box::make(settings.memory_limit_bytes, **swap, options.huge_pages);
        if (!made) {
            return report(made.error());
        }
        box.emplace(std::move(*made));
        settings.box = &*box;
        settings.page_cache = options.page_cache == "dropped"  ? trial::PageCache::dropped
                              : options.page_cache == "warmed" ? trial::PageCache::warmed
                                                               : trial::PageCache::as_it_is;
        probes->insert(probes->begin(), probes::make_cgroup());
    }
    const auto findings = host::doctor();
    results::Document document = describe(*plan, settings, *probes, findings);
    document.tool = describe_tool(own_command());
    document.plan["probes"] = options.probes;
    document.plan["swap"] = options.swap.empty() ? Json(nullptr) : Json(options.swap);
    document.plan["thp"] = options.huge_pages.empty() ? Json(nullptr) : Json(options.huge_pages);
    document.plan["page_cache"] = options.page_cache.empty() ? Json(nullptr) : Json(options.page_cache);
    if (!options.quiet) {
        say_what_comes(*plan, extras, findings);
    }
    const StopSignal stop;
    settings.stop_fd = stop.fd();
    auto end = [&] {
        Progress progress(*plan, options.quiet);
        return trial::run_campaign(*plan, settings, *probes, apart, document, options.output, progress);
    }();
    if (!end) {
        return report(end.error());
    }
    return finish(options, *plan, document, *end, stop.number());
}

void describe_options(CLI::App& command, Options& options) {
    command
        .add_option("what", options.words,
                    "Suites, workloads of a suite (SUITE/LABEL), workloads (NAME:parameter=value,...), suite "
                    "files or traces")
        ->required();
    command
        .add_option("-a,--allocators", options.allocators,
                    "Comma-separated names or NAME=path.so; all: what is installed [the suite's]")
        ->delimiter(',')
        ->allow_extra_args(false);
    command
        .add_option("-r,--rounds", options.rounds,
                    "Rounds: each runs every workload on every allocator once [the suite's, else 10]")
        ->check(CLI::Range(1, 10'000));
    command
        .add_option("--first-round", options.first_round,
                    "Number of the first round: with the same --seed, a later slice of one plan [0]")
        ->check(CLI::Range(0, 1'000'000));
    command
        .add_option("--only", options.only,
                    "Run this workload alone of those named, by its label; may be repeated")
        ->allow_extra_args(false);
    CLI::Option* seed = command.add_option("--seed", options.seed,
                                           "Seed of order and operation streams [drawn anew, and recorded]");
    command
        .add_option("--shard", options.shard,
                    "K/N: run the K-th of N parts of the plan that take about as long; all need one --seed, "
                    "and `faultline merge` joins them")
        ->needs(seed);
    add_scale_out(command, options.scale_out);
    command
        .add_option("-o,--output", options.output, "The result document, rewritten after every whole round")
        ->capture_default_str();
    command.add_option("--report", options.report,
                       "Also make the HTML report: a folder, or a file ending in .html");
    command
        .add_option("--idle-ms", options.idle_ms,
                    "How long a trial idles after it freed everything [the suite's]")
        ->check(CLI::Range(0, 600'000));
    command
        .add_option("--timeout", options.timeout_s, "Seconds after which a trial is stopped [the suite's]")
        ->check(CLI::Range(1, 86'400));
    command
        .add_option("--memory-limit", options.memory_limit_bytes,
                    "Resident bytes at which a trial is stopped, as 64M or 2G [4/5 of what is free]")
        ->transform(CLI::AsSizeValue(false));
    command.add_option(
        "--swap", options.swap,
        "Run each trial in a control group with that limit, and swap beside it that is made for the "
        "run: zram:1G, file:1G or none (needs root)");
    command
        .add_option(
            "--thp", options.huge_pages,
            "With --swap: the host's mode of transparent huge pages during the run, put back after it")
        ->check(CLI::IsMember({"always", "madvise", "never"}))
        ->needs("--swap");
    command
        .add_option(
            "--page-cache", options.page_cache,
            "With --swap: before each trial, what the kernel holds of files is dropped (all files, the whole "
            "host's) or its programs and trace are read: dropped or warmed")
        ->check(CLI::IsMember({"dropped", "warmed"}))
        ->needs("--swap");
    command
        .add_option(
            "--probes", options.probes,
            "Groups of kernel figures, all or none [those that cost little; see `faultline list probes`]; "
            "inline: counted in the timed trials too, not in one of their own, and by default without "
            "fault_kinds")
        ->delimiter(',')
        ->allow_extra_args(false);
    command
        .add_option("--env", options.environment,
                    "NAME=VALUE for the workers, recorded in the document; may be repeated")
        ->allow_extra_args(false);
    command.add_flag("--no-floor", options.no_floor, "Do not run the null allocator beside the others");
    command
        .add_flag("--dry-run", options.dry,
                  "Check the words and say what would be run, with --json as JSON; run and write nothing")
        ->excludes("--engine");
    command.add_flag(
        "--no-occupancy", options.no_occupancy,
        "No trial of each pair in which memory is divided into what is live, rounded up, between "
        "blocks and kept");
    command.add_flag("--json", options.json, "Print a summary as JSON instead of the table");
    command.add_flag("-q,--quiet", options.quiet, "No progress");
    command.footer(
        "Traces are compiled once and kept in ~/.cache/faultline (XDG_CACHE_HOME).\n"
        "Exit status: 0; 76 when trials were invalid; 130 after Ctrl-C, with the whole rounds kept.\n\n"
        "Example: faultline run quick larson4 pair:size=64 -a system,mine=./libmine.so -o r.json --report "
        "out/r");
}

} // namespace

void add_run(CLI::App& app, Action& action) {
    auto options = std::make_shared<Options>();
    CLI::App* command =
        app.add_subcommand("run", "Run workloads on allocators and write the result document");
    describe_options(*command, *options);
    command->callback(
        [options, command, &action] { action = [options, command] { return run(*options, *command); }; });
}

} // namespace faultline::cli
