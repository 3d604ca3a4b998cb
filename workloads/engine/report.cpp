#include "workloads/engine/report.hpp"

#include <cerrno>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace faultline::engine {

namespace {

using Json = nlohmann::ordered_json;

Json phases_json(const Report& report) {
    Json phases = Json::array();
    for (unsigned i = 0; i < phase_count; ++i) {
        const auto phase = static_cast<Phase>(i);
        const PhaseTimes& times = report.phases->times(phase);
        if (!times.entered)
            continue;
        phases.push_back({{"name", phase_names[i]},
                          {"begin_ns", times.begin_ns},
                          {"wall_ns", times.wall_ns},
                          {"cpu_ns", times.cpu_ns},
                          {"user_ns", times.usage.user_ns},
                          {"system_ns", times.usage.system_ns},
                          {"minor_faults", times.usage.minor_faults},
                          {"major_faults", times.usage.major_faults},
                          {"voluntary_switches", times.usage.voluntary_switches},
                          {"involuntary_switches", times.usage.involuntary_switches},
                          {"operations", phase == Phase::measure ? report.operations : 0}});
    }
    return phases;
}

Json histogram_json(const Histogram& histogram) {
    Json json = {{"count", histogram.count()},
                 {"p50_ns", histogram.quantile_ns(0.5)},
                 {"p90_ns", histogram.quantile_ns(0.9)},
                 {"p99_ns", histogram.quantile_ns(0.99)},
                 {"p999_ns", histogram.quantile_ns(0.999)},
                 {"p9999_ns", histogram.quantile_ns(0.9999)},
                 {"max_ns", histogram.max_ns()}};
    Json buckets = Json::array();
    for (std::size_t i = 0; i < Histogram::bucket_count; ++i)
        if (histogram.bucket(i) != 0)
            buckets.push_back({Histogram::upper_ns(i), histogram.bucket(i)});
    json["buckets"] = std::move(buckets);
    return json;
}

Json latency_json(const LatencyRecorder& recorder) {
    Json latency = Json::array();
    for (std::size_t operation = 0; operation < operation_count; ++operation) {
        const Histogram* table = recorder.table(static_cast<Operation>(operation));
        for (std::size_t size_class = 0; table != nullptr && size_class < size_class_count; ++size_class) {
            if (table[size_class].count() == 0)
                continue;
            Json row = {{"operation", operation_names[operation]},
                        {"size_class", std::to_string(size_class_bytes(size_class))},
                        {"unit", "ns"},
                        {"sampled_every", recorder.every()}};
            row.update(histogram_json(table[size_class]));
            latency.push_back(std::move(row));
        }
    }
    return latency;
}

// As the document has them; two series of the same times.
Json footprint_json(const std::vector<FootprintSample>& samples) {
    if (samples.empty())
        return Json::array();
    Json at = Json::array();
    Json live = Json::array();
    Json resident = Json::array();
    for (const FootprintSample& sample : samples) {
        at.push_back(sample.at_ns);
        live.push_back(sample.live_bytes);
        resident.push_back(sample.resident_bytes);
    }
    return {{{"name", "live_bytes"}, {"at_ns", at}, {"values", std::move(live)}},
            {{"name", "heap_rss_bytes"}, {"at_ns", at}, {"values", std::move(resident)}}};
}

} // namespace

std::string to_json(const Report& report) {
    Json json = {{"worker_version", FAULTLINE_VERSION},
                 {"workload", report.spec->name},
                 {"threads", report.arguments->threads},
                 {"seed", report.arguments->seed},
                 {"parameters", report.arguments->values}};
    Json resolved = Json::object();
    for (const auto& [symbol, path] : report.resolved)
        resolved[symbol] = path;
    json["resolved"] = std::move(resolved);
    json["checksum"] = fmt::format("{:016x}", report.checksum);
    json["harness_bytes"] = report.harness_bytes;
    json["harness_file_bytes"] = report.harness_file_bytes;
    json["phases"] = phases_json(report);
    json["latency"] = latency_json(*report.latency);
    json["series"] = footprint_json(report.footprint);
    json["notes"] = report.notes;
    if (report.occupancy)
        json["occupancy"] = {{"reason", report.occupancy->empty() ? Json() : Json(*report.occupancy)}};
    json["google_benchmark"] =
        report.google_benchmark.empty() ? Json() : Json::parse(report.google_benchmark);
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<void> write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail_errno(Exit::io, "report", "cannot write", errno);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

} // namespace faultline::engine
