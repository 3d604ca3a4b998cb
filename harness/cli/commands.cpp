#include "harness/cli/command.hpp"

#include "base/layout.hpp"
#include "harness/cli/dispatch.hpp"

#include <cstdio>
#include <fmt/format.h>

namespace faultline::cli {

void add_list(CLI::App& app, Action& action);
void add_doctor(CLI::App& app, Action& action);
void add_run(CLI::App& app, Action& action);
void add_stress(CLI::App& app, Action& action);
void add_export(CLI::App& app, Action& action);
void add_record(CLI::App& app, Action& action);
void add_trace(CLI::App& app, Action& action);
void add_monitor(CLI::App& app, Action& action);
void add_completion(CLI::App& app, Action& action);

namespace {

constexpr Command table[] = {
    {"list", add_list},     {"doctor", add_doctor},   {"run", add_run},
    {"stress", add_stress}, {"record", add_record},   {"trace", add_trace},
    {"export", add_export}, {"monitor", add_monitor}, {"completion", add_completion},
};

constexpr std::size_t column_width = 34;

} // namespace

std::span<const Command> commands() {
    return table;
}

void build(CLI::App& app, Action& action) {
    app.require_subcommand(0, 1);
    app.set_version_flag("--version", FAULTLINE_VERSION);
    app.get_formatter()->column_width(column_width);
    for (const Command& command : commands()) {
        command.add(app, action);
    }
    std::string footer = "Further commands, each a program of its own (see `faultline COMMAND --help`):\n";
    for (const std::string& name : external_commands()) {
        footer += fmt::format("  {:<{}}{}\n", name, column_width - 2, external_summary(name));
    }
    app.footer(footer + "\nExample: faultline run quick -a system,jemalloc,mimalloc --report out/report");
}

int report(const Error& error) {
    std::fprintf(stderr, "faultline: %s\n", error.line().c_str());
    return static_cast<int>(error.status);
}

} // namespace faultline::cli
