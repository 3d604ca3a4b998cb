#include "harness/results/document.hpp"

#include "base/file.hpp"
#include "harness/results/google_benchmark.hpp"

namespace faultline::results {
namespace {

template <typename T>
Json nullable(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json to_json(const PhaseResult& phase) {
    return {{"name", phase.name},
            {"begin_ns", phase.begin_ns},
            {"wall_ns", phase.wall_ns},
            {"cpu_ns", phase.cpu_ns},
            {"user_ns", phase.user_ns},
            {"system_ns", phase.system_ns},
            {"operations", phase.operations},
            {"minor_faults", phase.minor_faults},
            {"major_faults", phase.major_faults},
            {"voluntary_switches", phase.voluntary_switches},
            {"involuntary_switches", phase.involuntary_switches},
            {"kernel", phase.kernel},
            {"tables", phase.tables}};
}

} // namespace

const PhaseResult* TrialResult::phase(std::string_view name) const {
    for (const PhaseResult& candidate : phases) {
        if (candidate.name == name) {
            return &candidate;
        }
    }
    return nullptr;
}

Json to_json(const TrialResult& trial) {
    Json phases = Json::array();
    for (const PhaseResult& phase : trial.phases) {
        phases.push_back(to_json(phase));
    }
    Json json = {{"workload", trial.workload},
                 {"allocator", trial.allocator},
                 {"allocator_path", trial.allocator_path},
                 {"allocator_version", trial.allocator_version},
                 {"threads", trial.threads},
                 {"round", trial.round},
                 {"position", trial.position},
                 {"seed", trial.seed},
                 {"valid", trial.valid()},
                 {"invalid_reason", nullable(trial.invalid_reason)},
                 {"exit",
                  {{"status", nullable(trial.exit.status)},
                   {"signal", nullable(trial.exit.signal)},
                   {"timed_out", trial.exit.timed_out}}},
                 {"stderr", trial.stderr_tail},
                 {"checksum", trial.checksum},
                 {"resolved", trial.resolved},
                 {"peak_rss_bytes", nullable(trial.peak_rss_bytes)},
                 {"retained_rss_bytes", nullable(trial.retained_rss_bytes)},
                 {"process_peak_rss_bytes", nullable(trial.process_peak_rss_bytes)},
                 {"baseline_rss_bytes", nullable(trial.baseline_rss_bytes)},
                 {"harness_bytes", trial.harness_bytes},
                 {"harness_file_bytes", trial.harness_file_bytes},
                 {"begin_ns", trial.begin_ns},
                 {"phases", phases},
                 {"latency", trial.latency},
                 {"series", trial.series},
                 {"kernel_checks", trial.kernel_checks},
                 {"notes", trial.notes}};
    if (!trial.occupancy.is_null()) {
        json["occupancy"] = trial.occupancy;
    }
    return json;
}

Json to_json(const std::vector<TrialResult>& trials) {
    Json json = Json::array();
    for (const TrialResult& trial : trials) {
        json.push_back(to_json(trial));
    }
    return json;
}

Json to_json(const Document& document) {
    Json json = {{"schema", schema_name},
                 {"complete", document.complete},
                 {"tool", document.tool},
                 {"host", document.host},
                 {"doctor", document.doctor},
                 {"plan", document.plan},
                 {"capabilities", document.capabilities},
                 {"metrics", document.metrics},
                 {"tables", document.tables},
                 {"rounds_whole", document.rounds_whole},
                 {"trials", to_json(document.trials)},
                 {"counts", to_json(document.counts)},
                 {"occupancy", to_json(document.occupancy)}};
    const Json layout = google_benchmark_layout(json);
    json["context"] = layout["context"];
    json["benchmarks"] = layout["benchmarks"];
    return json;
}

Result<void> write(const Document& document, const std::filesystem::path& path) {
    // Names and messages of user programs may hold any byte: what is not UTF-8 is replaced, never thrown at.
    return write_file_atomically(
        path, to_json(document).dump(1, '\t', false, Json::error_handler_t::replace) + "\n");
}

Result<Json> read(const std::filesystem::path& path) {
    auto text = read_file(path);
    if (!text) {
        return tl::unexpected(text.error());
    }
    const std::string remedy = "name a results.json that `faultline run -o` wrote";
    Json json;
    try {
        json = Json::parse(*text);
    } catch (const Json::parse_error& error) {
        return fail(Exit::data, path.string() + ":byte " + std::to_string(error.byte), "is not whole JSON",
                    remedy);
    }
    if (!json.is_object() || !json.contains("schema") || !json["schema"].is_string()) {
        return fail(Exit::data, path.string(), "is not a result document", remedy);
    }
    if (json["schema"] != schema_name) {
        return fail(Exit::data, path.string(),
                    "has schema \"" + json["schema"].get<std::string>() + "\", not \"" + schema_name + "\"",
                    "read it with the faultline that wrote it, or a newer one");
    }
    const auto trials = json.find("trials");
    if (trials == json.end() || !trials->is_array()) {
        return fail(Exit::data, path.string(), "has no `trials`", remedy);
    }
    for (const Json& trial : *trials) {
        if (!trial.is_object()) {
            return fail(Exit::data, path.string(), "holds a trial that is not an object", remedy);
        }
    }
    return json;
}

} // namespace faultline::results
