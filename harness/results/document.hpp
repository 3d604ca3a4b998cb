// The result document as plain types. README.md of this folder gives each field's meaning; units are in the
// names.
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace faultline::results {

using Json = nlohmann::ordered_json;

inline constexpr const char* schema_name = "faultline-results/1";

struct PhaseResult {
    std::string name;
    std::uint64_t begin_ns = 0; // CLOCK_MONOTONIC
    std::uint64_t wall_ns = 0;
    std::uint64_t cpu_ns = 0; // user and system, of all threads
    std::uint64_t user_ns = 0;
    std::uint64_t system_ns = 0;
    std::uint64_t operations = 0;
    std::uint64_t minor_faults = 0;
    std::uint64_t major_faults = 0;
    std::uint64_t voluntary_switches = 0;
    std::uint64_t involuntary_switches = 0;
    Json kernel = Json::object(); // probe metric -> value or null
    Json tables = Json::object(); // name of a table -> rows of [key, figures...]
};

struct ExitState {
    std::optional<int> status; // of a process that exited
    std::optional<int> signal; // of one that was killed
    bool timed_out = false;
};

struct TrialResult {
    std::string workload; // the plan's label
    std::string allocator;
    std::string allocator_path;
    std::string allocator_version;
    unsigned threads = 1;
    unsigned round = 0;
    unsigned position = 0; // within its round
    std::uint64_t seed = 0;
    std::optional<std::string> invalid_reason; // nullopt: valid
    ExitState exit;
    std::string stderr_tail;
    std::string checksum;
    Json resolved = Json::object();
    std::optional<std::uint64_t> peak_rss_bytes;
    std::optional<std::uint64_t> retained_rss_bytes;
    std::optional<std::uint64_t> process_peak_rss_bytes;
    std::optional<std::uint64_t> baseline_rss_bytes;
    std::uint64_t harness_bytes = 0;
    std::uint64_t harness_file_bytes = 0;
    std::uint64_t begin_ns = 0;
    std::vector<PhaseResult> phases;
    Json latency = Json::array();
    Json series = Json::array();
    Json kernel_checks = Json::array(); // figures that two sources know, and whether they agree
    Json occupancy; // {"reason": null or why the series of it do not hold}; null: a trial that kept none
    std::vector<std::string> notes;

    bool valid() const { return !invalid_reason.has_value(); }
    const PhaseResult* phase(std::string_view name) const;
};

struct Document {
    bool complete = false;
    Json tool = Json::object();
    Json host = Json::object();
    Json doctor = Json::array();
    Json plan = Json::object();
    Json capabilities = Json::array();
    Json metrics = Json::array();
    Json tables = Json::array();
    unsigned rounds_whole = 0;
    std::vector<TrialResult> trials; // of whole rounds only
    std::vector<TrialResult> counts; // with probes that slow a trial down: their times are not compared
    std::vector<TrialResult>
        occupancy; // with what live blocks occupy over time: their times are not compared
};

Json to_json(const TrialResult& trial);
Json to_json(const Document& document); // with `context` and `benchmarks` in Google Benchmark's layout

// The JSON as written to files: one line for each part, and for each trial and benchmark within it, so that a
// document is small and still fit for grep and diff.
std::string to_text(const Document& document);

// Replaces `path` atomically.
Result<void> write(const Document& document, const std::filesystem::path& path);

// A document as JSON, checked as far as exports and merges need it: it is an object of a schema that is
// known, with `trials` an array of objects. Errors: no_input, data (with the byte where the JSON breaks off).
Result<Json> read(const std::filesystem::path& path);

} // namespace faultline::results
