// `faultline stress`: can an allocator be trusted? Runs checks, each in a process of its own, and says what held.
#include "base/file.hpp"
#include "base/layout.hpp"
#include "base/time.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/describe.hpp"
#include "harness/cli/invocation.hpp"
#include "harness/cli/status_line.hpp"
#include "harness/cli/stop.hpp"
#include "harness/cli/stress_table.hpp"
#include "harness/cli/table.hpp"
#include "harness/host/host.hpp"
#include "harness/plan/targets.hpp"
#include "harness/stress/document.hpp"
#include "harness/stress/formats.hpp"
#include "workloads/stress/catalog.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <unistd.h>

extern char** environ;

namespace faultline::cli {
namespace {

using stress::Json;

constexpr const char* replay_check = "random.replay"; // which has nothing to do without --replay

struct Options {
    std::vector<std::string> allocators{"all"};
    std::vector<std::string> only;
    std::vector<std::string> required;
    std::vector<std::string> to_be_tried;
    std::vector<std::string> environment;
    std::optional<std::uint64_t> seed;
    std::optional<unsigned> seconds;
    std::string format;
    std::string output;
    std::string artifacts = "faultline-stress";
    std::string replay;
    std::string findings;
    bool accept_known = false;
    bool list = false;
    bool quiet = false;
};

class StressProgress final : public stress::Observer {
  public:
    explicit StressProgress(bool quiet) : status_(quiet) {}

    void check_starts(const stress::Plan& plan, std::size_t check, std::size_t allocator) override {
        const std::size_t total = plan.checks.size() * plan.allocators.size();
        const std::size_t done = check * plan.allocators.size() + allocator;
        status_.show(fmt::format("check {}/{}  {} left  {} on {}", done + 1, total,
                                 status_.left(static_cast<double>(done), static_cast<double>(total)),
                                 plan.checks[check]->name, plan.allocators[allocator].name));
    }
    void check_ended(const stress::Plan& plan, const stress::CheckResult& result) override {
        if (result.judged.verdict == stress::Verdict::broken) {
            status_.line(Error{
                Exit::failure,
                fmt::format("{} on {}, {}", plan.checks[result.check]->name,
                            plan.allocators[result.allocator].name, result.finding ? "known" : "NEW"),
                fmt::format("{}: {}", stress::outcome_name(result.judged.outcome), result.judged.why), ""}
                             .line());
        }
        const std::size_t done = result.check * plan.allocators.size() + result.allocator + 1;
        const std::size_t total = plan.checks.size() * plan.allocators.size();
        if (!status_.on_terminal() && done * 10 / total > (done - 1) * 10 / total) {
            status_.line(fmt::format("{} of {} done, {} left", done, total,
                                     status_.left(static_cast<double>(done), static_cast<double>(total))));
        }
    }

  private:
    StatusLine status_;
};

int list(const Options& options, const std::vector<const stress::Check*>& checks) {
    if (options.format == "json") {
        Json all = Json::array();
        for (const stress::Check* check : checks) {
            all.push_back({{"name", check->name},
                           {"kind", stress::kind_name(check->kind())},
                           {"promise", check->promise},
                           {"by", check->by},
                           {"seconds", check->seconds}});
        }
        std::printf("%s\n", all.dump(2).c_str());
        return 0;
    }
    Table table({"CHECK", "WHAT, AND WHO PROMISES IT"}, Table::Align::left);
    for (const stress::Check* check : checks) {
        table.add({std::string(check->name), check->by.empty()
                                                 ? std::string(check->promise)
                                                 : fmt::format("{} ({})", check->promise, check->by)});
    }
    std::fputs(table.text().c_str(), stdout);
    return 0;
}

Result<stress::Plan> make_plan(const Options& options, std::vector<const stress::Check*> checks) {
    stress::Plan plan;
    plan.checks = std::move(checks);
    auto arms = plan::make_arms(options.allocators, /*floor=*/false);
    if (!arms) {
        return tl::unexpected(arms.error());
    }
    for (plan::Arm& arm : *arms) {
        plan.allocators.push_back(std::move(arm.allocator));
    }
    auto reference = registry::find("system");
    if (!reference) {
        return tl::unexpected(reference.error());
    }
    plan.reference = std::move(*reference);
    for (const std::string& pattern : options.required) {
        const auto misuses = stress::select_checks({pattern});
        if (!misuses || std::any_of(misuses->begin(), misuses->end(), [](const stress::Check* check) {
                return check->kind() != stress::Kind::misuse;
            })) {
            return fail(Exit::usage, "--require-misuse " + pattern, "does not name misuses",
                        "see `faultline stress --list --only misuse`");
        }
    }
    if (!options.to_be_tried.empty()) {
        if (const auto named = stress::select_checks(options.to_be_tried); !named) {
            return fail(Exit::usage, "--require-tried", named.error().what, "see `faultline stress --list`");
        }
    }
    auto findings = stress::load_findings(options.findings.empty() ? layout::findings()
                                                                   : std::filesystem::path(options.findings));
    if (!findings) {
        return tl::unexpected(findings.error());
    }
    plan.findings = std::move(*findings);
    plan.accept_known = options.accept_known;
    plan.required = options.required;
    plan.to_be_tried = options.to_be_tried;
    plan.seed = options.seed.value_or(random_seed());
    plan.seconds = options.seconds;
    plan.artifacts = options.artifacts.empty() ? "" : std::filesystem::absolute(options.artifacts);
    plan.trace = options.replay.empty() ? "" : std::filesystem::absolute(options.replay);
    return plan;
}

std::string formatted(const std::string& format, const stress::Plan& plan, const stress::Campaign& campaign,
                      stress::Surroundings around) {
    if (format == "tap") {
        return stress::tap(plan, campaign);
    }
    if (format == "junit") {
        return stress::junit(plan, campaign);
    }
    around.tool["finished"] = timestamp();
    return stress::document_json(around, plan, campaign).dump(1, ' ', false, Json::error_handler_t::replace) +
           "\n";
}

// The table goes to standard output unless another format does.
int write_results(const Options& options, const stress::Plan& plan, const stress::Campaign& campaign,
                  const stress::Surroundings& around) {
    if (!options.output.empty()) {
        const std::string format = options.format.empty() ? "json" : options.format;
        if (auto written = write_file_atomically(options.output, formatted(format, plan, campaign, around));
            !written) {
            return report(written.error());
        }
    }
    if (!options.format.empty() && options.output.empty()) {
        std::fputs(formatted(options.format, plan, campaign, around).c_str(), stdout);
    } else {
        const bool terminal = ::isatty(STDOUT_FILENO) == 1;
        const char* no_colour = std::getenv("NO_COLOR"); // https://no-color.org
        const Look look{terminal ? terminal_columns(STDOUT_FILENO) : 120,
                        terminal && (no_colour == nullptr || *no_colour == '\0')};
        std::fputs(stress_tables(plan, campaign, look).c_str(), stdout);
    }
    std::fflush(stdout);
    return 0;
}

int finish(const stress::Plan& plan, const stress::Campaign& campaign, int signal) {
    if (campaign.stopped) {
        std::fprintf(stderr, "faultline: stopped; %zu of %zu results are there\n", campaign.results.size(),
                     plan.checks.size() * plan.allocators.size());
        return 128 + signal;
    }
    const bool failed =
        std::any_of(campaign.results.begin(), campaign.results.end(),
                    [&](const stress::CheckResult& result) { return stress::fails(plan, result); });
    return failed ? static_cast<int>(Exit::failure) : 0;
}

int run(const Options& options) {
    auto checks = stress::select_checks(options.only.empty() && !options.replay.empty()
                                            ? std::vector<std::string>{replay_check}
                                            : options.only);
    if (!checks) {
        return report(checks.error());
    }
    if (options.replay.empty() && options.only.empty() && !options.list) {
        std::erase_if(*checks, [](const stress::Check* check) { return check->name == replay_check; });
    }
    if (options.list) {
        return list(options, *checks);
    }
    if (!options.output.empty()) {
        if (auto writable = check_writable(options.output); !writable) {
            return report(writable.error());
        }
    }
    auto extra = parse_environment(options.environment);
    if (!extra) {
        return report(extra.error());
    }
    auto plan = make_plan(options, std::move(*checks));
    if (!plan) {
        return report(plan.error());
    }
    stress::Settings settings;
    settings.checker = layout::checker();
    settings.variables = process::inherited(environ, *extra);
    settings.memory_limit_bytes = host::available_memory_bytes() / 5 * 4;
    stress::Surroundings around{describe_tool(own_command()), host::facts(), Json::array(),
                                settings.variables};
    for (const registry::Allocator& allocator : plan->allocators) {
        around.allocators.push_back(describe_allocator(allocator));
    }
    if (!options.quiet) {
        std::fprintf(stderr, "%s, %s, seed %llu\n", counted(plan->checks.size(), "check").c_str(),
                     counted(plan->allocators.size(), "allocator").c_str(),
                     static_cast<unsigned long long>(plan->seed));
    }
    const StopSignal stop;
    settings.stop_fd = stop.fd();
    const auto campaign = [&] {
        StressProgress progress(options.quiet);
        return stress::run_campaign(*plan, settings, progress);
    }();
    if (!campaign) {
        return report(campaign.error());
    }
    if (const int status = write_results(options, *plan, *campaign, around); status != 0) {
        return status;
    }
    return finish(*plan, *campaign, stop.number());
}

void describe_options(CLI::App& command, Options& options) {
    command
        .add_option("-a,--allocators", options.allocators,
                    "Comma-separated names or NAME=path.so; all: what is installed")
        ->delimiter(',')
        ->allow_extra_args(false)
        ->capture_default_str();
    command
        .add_option("--only", options.only,
                    "Checks by name, kind or glob: misuse, '*.fork-*'; comma-separated or repeated [all]")
        ->delimiter(',')
        ->allow_extra_args(false);
    command.add_flag("--list", options.list,
                     "Show the checks and who promises what; --format json for programs");
    command
        .add_option("--seconds", options.seconds,
                    "How long each check works that could go on for ever [its own]")
        ->check(CLI::Range(1, 1'000'000));
    command.add_option("--seed", options.seed, "Seed of what is random [drawn anew, and recorded]");
    command
        .add_option(
            "--require-misuse", options.required,
            "Misuses that every allocator must stop with a message, by name or glob [what each promises]")
        ->delimiter(',')
        ->allow_extra_args(false);
    command
        .add_option("--require-tried", options.to_be_tried,
                    "Checks, by name, kind or glob, that count as broken where they cannot be tried [none]")
        ->delimiter(',')
        ->allow_extra_args(false);
    command.add_flag("--accept-known", options.accept_known,
                     "What is known of an allocator's version does not fail: 0 when nothing broken is NEW");
    command
        .add_option("--findings", options.findings,
                    "The table of what is known of named versions [the one that comes with faultline]")
        ->check(CLI::ExistingFile);
    command.add_option("--format", options.format, "tap, junit or json [a table; json with -o]")
        ->check(CLI::IsMember({"tap", "junit", "json"}));
    command.add_option("-o,--output", options.output,
                       "Write that format to a file and the table to standard output");
    command
        .add_option("--artifacts", options.artifacts,
                    "A folder for what shows a failure, made when there is one")
        ->capture_default_str();
    command
        .add_option("--replay", options.replay,
                    "Only repeat the calls of a trace: one that a failure left, or any other")
        ->check(CLI::ExistingFile);
    command
        .add_option("--env", options.environment,
                    "NAME=VALUE for the checks, recorded in the document; may be repeated")
        ->allow_extra_args(false);
    command.add_flag("-q,--quiet", options.quiet, "No progress");
    command.footer(
        "A misuse that goes by unnoticed is information; it counts as broken where the allocator promises\n"
        "to stop it. A check that cannot be tried (no memory cgroup, no free_sized) is skipped, named at the "
        "end\n"
        "of the table, and counts neither way unless --require-tried names it.\n"
        "What is broken is known, where share/faultline/findings/known.toml has it of this version of the\n"
        "allocator with the same words, or else NEW. The version is what the library says of itself; the "
        "name\n"
        "is the one under which it is run.\n"
        "faultline-check runs one check by hand, under a debugger if need be.\n"
        "Exit status: 0 when all that is promised and could be tried held, with --accept-known but for what "
        "is\n"
        "known; 1 when not; 130 after Ctrl-C.\n\n"
        "Example: faultline stress -a system,mine=./libmine.so -o stress.json");
}

} // namespace

void add_stress(CLI::App& app, Action& action) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand(
        "stress", "Check that allocators keep their promises: conformance, misuse, and more");
    describe_options(*command, *options);
    command->callback([options, &action] { action = [options] { return run(*options); }; });
}

} // namespace faultline::cli
