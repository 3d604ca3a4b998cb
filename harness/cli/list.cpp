// `faultline list`: what there is, and what is missing and how to get it.
#include "allocators/registry/registry.hpp"
#include "base/layout.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/describe.hpp"
#include "harness/cli/explain.hpp"
#include "harness/cli/table.hpp"
#include "harness/plan/compose.hpp"
#include "kernel-probes/probe.hpp"
#include "workloads/catalog/catalog.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fmt/format.h>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

namespace faultline::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
    std::string what = "all";
    bool json = false;
    bool names = false;
    std::string explain;
};

// One kind of thing as JSON (for programs), names (for completion) and a table (for people), from the same
// records.
struct Listing {
    Json json = Json::array();
    std::string table;
};

Listing allocators(bool /*names_only*/) {
    Listing listing;
    Table table({"ALLOCATOR", "VERSION", "WHERE, OR HOW TO GET IT"}, Table::Align::left);
    for (const registry::Listed& listed : registry::list_all()) {
        const registry::Known& known = *listed.known;
        Json entry = {{"name", known.name},
                      {"summary", known.summary},
                      {"package", known.debian_package},
                      {"homepage", known.homepage},
                      {"installed", listed.allocator.has_value()}};
        if (listed.allocator) {
            entry["path"] = listed.allocator->path.string();
            entry["version"] = listed.allocator->version;
            entry["version_source"] = listed.allocator->version_source;
            entry["sha256"] = listed.allocator->sha256;
            table.add({std::string(known.name), listed.allocator->version, listed.allocator->path.string()});
        } else {
            entry["error"] = listed.allocator.error().what;
            entry["remedy"] = listed.allocator.error().remedy;
            table.add({std::string(known.name), "missing",
                       listed.allocator.error().what + "; " + listed.allocator.error().remedy});
        }
        listing.json.push_back(std::move(entry));
    }
    listing.table = table.text() + "and NAME=path/to/library.so for any other\n";
    return listing;
}

std::string range_of(const engine::Parameter& parameter) {
    switch (parameter.kind) {
    case engine::Parameter::Kind::integer:
        return fmt::format("{}..{}", parameter.min, parameter.max);
    case engine::Parameter::Kind::choice:
        return std::string(parameter.choices);
    case engine::Parameter::Kind::path:
        return "path";
    }
    return "";
}

Json describe_workload(const engine::WorkloadSpec& spec, std::string& text) {
    Json parameters = Json::array();
    text += fmt::format("{}\n    {}\n", spec.name, spec.summary);
    for (const engine::Parameter& parameter : spec.parameters) {
        parameters.push_back({{"name", parameter.name},
                              {"default", parameter.fallback},
                              {"range", range_of(parameter)},
                              {"unit", parameter.unit},
                              {"help", parameter.help}});
        text += fmt::format("      {}={}  ({}{}{})  {}\n", parameter.name, parameter.fallback,
                            range_of(parameter), parameter.unit.empty() ? "" : " ", parameter.unit,
                            parameter.help);
    }
    return {{"name", spec.name},
            {"summary", spec.summary},
            {"citation", spec.citation},
            {"threaded", spec.threaded},
            {"parameters", std::move(parameters)}};
}

// Real programs: those that are not installed with what is missing, definitions with a mistake with the mistake.
void add_apps(Listing& listing, std::string& text) {
    for (const apps::Listed& app : apps::list()) {
        if (!app.definition) {
            text += fmt::format("{}\n    {}\n", app.name, app.definition.error().line());
            listing.json.push_back({{"name", app.name}, {"error", app.definition.error().line()}});
            continue;
        }
        Json entry = describe_workload((*app.definition)->spec, text);
        const auto missing = apps::why_missing(**app.definition);
        entry["missing"] = missing ? Json(*missing) : Json();
        if (missing) {
            text += fmt::format("      missing: {}\n", *missing);
        }
        listing.json.push_back(std::move(entry));
    }
}

Listing workloads(bool /*names_only*/) {
    Listing listing;
    std::string text;
    for (const engine::WorkloadSpec* spec : catalog()) {
        listing.json.push_back(describe_workload(*spec, text));
    }
    add_apps(listing, text);
    listing.table =
        text + "Write NAME:parameter=value,...; a trailing N is the thread count, as in larson4.\n";
    return listing;
}

// What a suite costs with the allocators it names, as a run of it says before it starts.
struct SuiteCost {
    std::size_t trials = 0;
    std::optional<double> seconds; // of a real program's work nothing is known
};

Result<SuiteCost> cost_of(const plan::Suite& suite) {
    auto plan = plan::compose(suite, {{}, true, layout::cache() / "programs"});
    if (!plan) {
        return tl::unexpected(plan.error());
    }
    if (auto fits = plan::fit_to_memory(*plan, std::numeric_limits<std::uint64_t>::max()); !fits) {
        return tl::unexpected(fits.error());
    }
    SuiteCost cost{plan->trials(), plan::estimate(*plan, {.counts = true, .occupancy = true}).seconds};
    if (std::any_of(plan->rows.begin(), plan->rows.end(),
                    [](const plan::Row& row) { return row.app != nullptr; })) {
        cost.seconds.reset();
    }
    return cost;
}

void add_cost(const plan::Suite& suite, Json& json, std::vector<std::string>& cells) {
    const Result<SuiteCost> cost = cost_of(suite);
    json["trials"] = cost ? Json(cost->trials) : Json();
    json["estimated_s"] = cost && cost->seconds ? Json(std::round(*cost->seconds)) : Json();
    json["estimate_error"] = cost ? Json() : Json(cost.error().line());
    cells.push_back(cost ? std::to_string(cost->trials) : "?");
    cells.push_back(cost && cost->seconds ? fmt::format("{:.0f} min", std::ceil(*cost->seconds / 60)) : "?");
}

Listing suites(bool names_only) {
    Listing listing;
    Table table({"SUITE", "ROWS", "ROUNDS", "TRIALS", "ABOUT", "SUMMARY"}, Table::Align::left);
    for (const plan::SuiteListing& entry : plan::list_suites()) {
        Json json = {{"name", entry.name}, {"path", entry.path.string()}};
        if (entry.suite) {
            json.update({{"summary", entry.suite->summary},
                         {"rounds", entry.suite->rounds},
                         {"rows", entry.suite->rows.size()}});
            std::vector<std::string> cells = {entry.name, std::to_string(entry.suite->rows.size()),
                                              std::to_string(entry.suite->rounds)};
            if (!names_only) {
                add_cost(*entry.suite, json, cells);
            }
            cells.push_back(entry.suite->summary);
            table.add(std::move(cells));
        } else {
            json["error"] = entry.suite.error().line();
            table.add({entry.name, "", "", "", "", entry.suite.error().line()});
        }
        listing.json.push_back(std::move(json));
    }
    listing.table =
        table.text() + fmt::format("with the allocators that the suite names; about: a guess, {} ns an "
                                   "operation, and ? for real programs\n",
                                   plan::guessed_ns_an_operation);
    return listing;
}

Listing probe_capabilities(bool /*names_only*/) {
    Listing listing;
    Table table({"GROUP", "LAYER", "STATUS", "METRICS", "WHY, AND WHAT HELPS"}, Table::Align::left);
    const auto probes = probes::make_probes(std::vector<std::string>{"all"});
    if (!probes) {
        listing.table = probes.error().line() + "\n";
        return listing;
    }
    for (const auto& probe : *probes) {
        for (const probes::Capability& capability : probe->check()) {
            Json metrics = Json::array();
            for (const probes::Metric& metric : probe->metrics()) {
                if (metric.group == capability.group) {
                    metrics.push_back({{"name", metric.name}, {"help", metric.help}});
                }
            }
            const std::string why =
                capability.remedy.empty() ? capability.reason : capability.reason + "; " + capability.remedy;
            table.add({capability.group, capability.layer, status_name(capability.status),
                       std::to_string(metrics.size()), why});
            listing.json.push_back({{"name", capability.group},
                                    {"layer", capability.layer},
                                    {"status", status_name(capability.status)},
                                    {"reason", capability.reason},
                                    {"errno", capability.errno_value},
                                    {"remedy", capability.remedy},
                                    {"metrics", std::move(metrics)}});
        }
    }
    listing.table = table.text();
    return listing;
}

struct Kind {
    const char* name;
    Listing (*make)(bool names_only);
};
constexpr Kind kinds[] = {
    {"allocators", allocators}, {"workloads", workloads}, {"suites", suites}, {"probes", probe_capabilities}};

int run(const Options& options) {
    if (!options.explain.empty()) {
        const auto text = explain_workload(options.explain, options.json);
        if (!text) {
            return report(text.error());
        }
        std::fputs(text->c_str(), stdout);
        return 0;
    }
    Json all = Json::object();
    for (const Kind& kind : kinds) {
        if (options.what != "all" && options.what != kind.name) {
            continue;
        }
        const Listing listing = kind.make(options.names);
        if (options.names) {
            for (const Json& entry : listing.json) {
                std::printf("%s\n", entry["name"].get<std::string>().c_str());
            }
        } else if (!options.json) {
            std::printf("%s%s", all.empty() ? "" : "\n", listing.table.c_str());
        }
        all[kind.name] = listing.json;
    }
    if (options.json) {
        std::printf("%s\n", (options.what == "all" ? all : all[options.what]).dump(2).c_str());
    }
    return 0;
}

} // namespace

void add_list(CLI::App& app, Action& action) {
    auto options = std::make_shared<Options>();
    CLI::App* command = app.add_subcommand("list", "What there is: allocators, workloads, suites, probes");
    command
        ->add_option("what", options->what,
                     "allocators, workloads, suites or probes; all of them when left out")
        ->check(CLI::IsMember({"all", "allocators", "workloads", "suites", "probes"}));
    auto* json = command->add_flag("--json", options->json, "As JSON, for programs");
    command->add_flag("--names", options->names, "Names only, one a line")->excludes(json);
    command->add_option(
        "--explain", options->explain,
        "One workload: what it does, its parameters, and its sizes and lifetimes as counted in a dry run");
    command->footer("Examples: faultline list allocators\n"
                    "          faultline list workloads --explain larson4");
    command->callback([options, &action] { action = [options] { return run(*options); }; });
}

} // namespace faultline::cli
