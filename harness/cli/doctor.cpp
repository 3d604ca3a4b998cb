// `faultline doctor`: what on this host makes results worse or probes blind, each with its remedy.
#include "harness/cli/command.hpp"
#include "harness/cli/table.hpp"
#include "harness/host/host.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>

namespace faultline::cli {
namespace {

int run(bool json) {
    const std::vector<host::DoctorFinding> findings = host::doctor();
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    Table table({"", "CHECK", "WHAT, AND WHAT HELPS"}, Table::Align::left);
    unsigned warnings = 0;
    unsigned failures = 0;
    for (const host::DoctorFinding& finding : findings) {
        warnings += finding.status == "warn" ? 1 : 0;
        failures += finding.status == "fail" ? 1 : 0;
        list.push_back({{"id", finding.id},
                        {"status", finding.status},
                        {"what", finding.what},
                        {"remedy", finding.remedy}});
        table.add({finding.status, finding.id,
                   finding.remedy.empty() ? finding.what : finding.what + "; " + finding.remedy});
    }
    if (json) {
        std::printf("%s\n", list.dump(2).c_str());
    } else {
        std::printf("%s\n%zu checks: %u warnings, %u failures\n", table.text().c_str(), findings.size(),
                    warnings, failures);
    }
    return failures > 0 ? static_cast<int>(Exit::failure) : 0;
}

} // namespace

void add_doctor(CLI::App& app, Action& action) {
    auto json = std::make_shared<bool>(false);
    CLI::App* command =
        app.add_subcommand("doctor", "What on this host makes results worse or probes blind, and what helps");
    command->add_flag("--json", *json, "As JSON, for programs");
    command->footer(
        "Exit status: 0; 1 when something fails that faultline needs.\n\nExample: faultline doctor");
    command->callback([json, &action] { action = [json] { return run(*json); }; });
}

} // namespace faultline::cli
