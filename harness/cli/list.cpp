// `faultline list`: what there is, and what is missing and how to get it.
#include "allocators/registry/registry.hpp"
#include "harness/cli/command.hpp"
#include "harness/cli/describe.hpp"
#include "harness/cli/explain.hpp"
#include "harness/cli/table.hpp"
#include "harness/plan/suite.hpp"
#include "kernel-probes/probe.hpp"
#include "workloads/catalog/catalog.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>

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

Listing allocators() {
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

Listing workloads() {
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

Listing suites() {
    Listing listing;
    Table table({"SUITE", "ROWS", "ROUNDS", "SUMMARY"}, Table::Align::left);
    for (const plan::SuiteListing& entry : plan::list_suites()) {
        Json json = {{"name", entry.name}, {"path", entry.path.string()}};
        if (entry.suite) {
            json.update({{"summary", entry.suite->summary},
                         {"rounds", entry.suite->rounds},
                         {"rows", entry.suite->rows.size()}});
            table.add({entry.name, std::to_string(entry.suite->rows.size()),
                       std::to_string(entry.suite->rounds), entry.suite->summary});
        } else {
            json["error"] = entry.suite.error().line();
            table.add({entry.name, "", "", entry.suite.error().line()});
        }
        listing.json.push_back(std::move(json));
    }
    listing.table = table.text();
    return listing;
}

Listing probe_capabilities() {
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
    Listing (*make)();
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
        const Listing listing = kind.make();
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
