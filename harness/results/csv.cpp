#include "harness/results/csv.hpp"

#include <set>
#include <vector>

namespace faultline::results {
namespace {

// Columns that a trial has once; the rest are a phase's.
constexpr const char* trial_columns[] = {"workload",
                                         "allocator",
                                         "allocator_version",
                                         "threads",
                                         "round",
                                         "position",
                                         "seed",
                                         "valid",
                                         "invalid_reason",
                                         "peak_rss_bytes",
                                         "retained_rss_bytes",
                                         "process_peak_rss_bytes",
                                         "harness_bytes"};
constexpr const char* phase_columns[] = {"name",
                                         "wall_ns",
                                         "cpu_ns",
                                         "user_ns",
                                         "system_ns",
                                         "operations",
                                         "minor_faults",
                                         "major_faults",
                                         "voluntary_switches",
                                         "involuntary_switches"};

// A leading =, +, - or @ in text would be run as a formula by spreadsheets: such text gets a leading
// apostrophe.
std::string field(const Json& value) {
    if (value.is_null()) {
        return "";
    }
    std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (value.is_string() && !text.empty() &&
        std::string_view("=+-@").find(text[0]) != std::string_view::npos) {
        text.insert(text.begin(), '\'');
    }
    if (text.find_first_of(",\"\r\n") == std::string::npos) {
        return text;
    }
    std::string quoted = "\"";
    for (const char c : text) {
        quoted += c;
        if (c == '"') {
            quoted += c;
        }
    }
    return quoted + "\"";
}

Json get(const Json& object, const std::string& key) {
    const auto found = object.find(key);
    return found == object.end() ? Json(nullptr) : *found;
}

std::set<std::string> kernel_columns(const Json& document) {
    std::set<std::string> columns;
    for (const Json& trial : document["trials"]) {
        for (const Json& phase : get(trial, "phases")) {
            const Json kernel = get(phase, "kernel");
            for (const auto& [name, value] : kernel.items()) {
                if (!value.is_structured()) {
                    columns.insert(name);
                }
            }
        }
    }
    return columns;
}

} // namespace

std::string to_csv(const Json& document) {
    const std::set<std::string> kernel = kernel_columns(document);
    std::string csv;
    const auto end_line = [&csv] { csv.replace(csv.size() - 1, 1, "\r\n"); };
    for (const char* column : trial_columns) {
        csv += std::string(column) + ",";
    }
    for (const char* column : phase_columns) {
        csv += (std::string_view(column) == "name" ? "phase" : column) + std::string(",");
    }
    for (const std::string& column : kernel) {
        csv += field("kernel." + column) + ",";
    }
    end_line();
    for (const Json& trial : document["trials"]) {
        Json phases = get(trial, "phases");
        if (!phases.is_array() || phases.empty()) {
            phases = Json::array({Json::object()}); // a trial that never got to a phase still has its line
        }
        for (const Json& phase : phases) {
            for (const char* column : trial_columns) {
                csv += field(get(trial, column)) + ",";
            }
            for (const char* column : phase_columns) {
                csv += field(get(phase, column)) + ",";
            }
            const Json values = get(phase, "kernel");
            for (const std::string& column : kernel) {
                csv += field(values.is_object() ? get(values, column) : Json(nullptr)) + ",";
            }
            end_line();
        }
    }
    return csv;
}

} // namespace faultline::results
