#include "harness/cli/describe.hpp"

#include "base/time.hpp"

#include <filesystem>

namespace faultline::cli {
namespace {

using results::Json;

const char* role_name(plan::Role role) {
    switch (role) {
    case plan::Role::subject:
        return "subject";
    case plan::Role::floor:
        return "floor";
    case plan::Role::kernel:
        return "kernel";
    }
    return "";
}

Json shard_json(const plan::Plan& plan) {
    Json parts = Json::array();
    for (const plan::Part& part : plan.shard->parts) {
        parts.push_back({{"workload", plan.rows[part.row].label},
                         {"first_round", part.first_round},
                         {"rounds", part.rounds}});
    }
    return {{"index", plan.shard->index}, {"of", plan.shard->of}, {"parts", std::move(parts)}};
}

Json plan_json(const plan::Plan& plan, const trial::Settings& settings) {
    Json workloads = Json::array();
    for (const plan::Row& row : plan.rows) {
        workloads.push_back({{"workload", row.label},
                             {"pattern", row.spec->name},
                             {"threads", row.threads},
                             {"parameters", row.arguments.values},
                             {"given", row.given},
                             {"summary", row.spec->summary},
                             {"kernel", row.spec->kernel},
                             {"citation", row.spec->citation}});
    }
    Json allocators = Json::array();
    for (const plan::Arm& arm : plan.arms) {
        Json allocator = describe_allocator(arm.allocator);
        allocator["role"] = role_name(arm.role);
        allocators.push_back(std::move(allocator));
    }
    Json skipped = Json::array();
    for (const plan::Skip& skip : plan.skips) {
        if (plan.part_of(skip.row).rounds == 0) {
            continue; // another shard's node says whether it leaves it out
        }
        skipped.push_back({{"workload", plan.rows[skip.row].label},
                           {"allocator", plan.arms[skip.arm].allocator.name},
                           {"reason", skip.reason}});
    }
    Json json = {{"suite", plan.suite},
                 {"seed", plan.seed},
                 {"rounds", plan.rounds},
                 {"first_round", plan.first_round},
                 {"idle_ms", plan.idle_ms},
                 {"timeout_s", plan.timeout_s},
                 {"memory_limit_bytes", settings.memory_limit_bytes},
                 {"environment", settings.variables},
                 {"workloads", std::move(workloads)},
                 {"allocators", std::move(allocators)},
                 {"skipped", std::move(skipped)}};
    if (plan.shard) {
        json["shard"] = shard_json(plan);
    }
    return json;
}

const char* scope_name(probes::Scope scope) {
    switch (scope) {
    case probes::Scope::process:
        return "process";
    case probes::Scope::partly:
        return "partly";
    case probes::Scope::host:
        return "host";
    }
    return "";
}

const char* kind_name(probes::Kind kind) {
    switch (kind) {
    case probes::Kind::counter:
        return "counter";
    case probes::Kind::gauge:
        return "gauge";
    case probes::Kind::peak:
        return "peak";
    }
    return "";
}

} // namespace

const char* status_name(probes::Status status) {
    switch (status) {
    case probes::Status::ok:
        return "ok";
    case probes::Status::degraded:
        return "degraded";
    case probes::Status::unavailable:
        return "unavailable";
    }
    return "";
}

results::Document describe(const plan::Plan& plan, const trial::Settings& settings,
                           std::span<const std::unique_ptr<probes::Probe>> probes,
                           const std::vector<host::DoctorFinding>& findings) {
    results::Document document;
    document.host = host::facts();
    document.plan = plan_json(plan, settings);
    for (const host::DoctorFinding& finding : findings) {
        document.doctor.push_back({{"id", finding.id},
                                   {"status", finding.status},
                                   {"what", finding.what},
                                   {"remedy", finding.remedy}});
    }
    for (const auto& probe : probes) {
        for (const probes::Capability& capability : probe->check()) {
            document.capabilities.push_back({{"group", capability.group},
                                             {"layer", capability.layer},
                                             {"status", status_name(capability.status)},
                                             {"reason", capability.reason},
                                             {"errno", capability.errno_value},
                                             {"remedy", capability.remedy}});
        }
        for (const probes::Metric& metric : probe->metrics()) {
            document.metrics.push_back({{"name", metric.name},
                                        {"group", metric.group},
                                        {"layer", metric.layer},
                                        {"kind", kind_name(metric.kind)},
                                        {"scope", scope_name(metric.scope)},
                                        {"help", metric.help}});
        }
        for (const probes::Table& table : probe->tables()) {
            document.tables.push_back({{"name", table.name},
                                       {"group", table.group},
                                       {"layer", table.layer},
                                       {"key", table.key},
                                       {"columns", table.columns},
                                       {"help", table.help}});
        }
    }
    return document;
}

results::Json describe_allocator(const registry::Allocator& allocator) {
    return {{"name", allocator.name},
            {"path", allocator.path.string()},
            {"version", allocator.version},
            {"version_source", allocator.version_source},
            {"sha256", allocator.sha256}};
}

results::Json describe_tool(const std::vector<std::string>& argv) {
    std::error_code error;
    return {{"version", FAULTLINE_VERSION},
            {"command", argv},
            {"started", timestamp()},
            {"finished", nullptr},
            {"working_directory", std::filesystem::current_path(error).string()}};
}

} // namespace faultline::cli
