// What `faultline trace` says and does, as values: text for people, JSON for programs.
#pragma once

#include "workloads/trace/resolver.hpp"
#include "workloads/trace/source.hpp"

#include <cstdio>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace faultline::trace {

// A whole trace, read to its end. Any reading of one that ends well is a check of it.
struct Summary {
    TraceInfo info;
    TraceStats stats;
    std::vector<std::string> program_notes; // "key=value" lines of a native trace
    std::uint64_t file_bytes = 0;
};
Result<Summary> summarize(const std::filesystem::path& trace, const OpenOptions& options);

std::string to_text(const Summary& summary, const std::filesystem::path& trace);
nlohmann::ordered_json to_json(const Summary& summary, const std::filesystem::path& trace);

struct ConvertOptions {
    bool recover = false;
    std::string to = "fltrace";     // an exporter's name
    std::vector<std::string> notes; // further "key=value" lines
};

// Any trace to any format. Returns what was not kept, a sentence each. Fails with usage for an unknown format.
Result<std::vector<std::string>> convert(const std::filesystem::path& trace,
                                         const std::filesystem::path& output, const ConvertOptions& options);

// Fits a model to a trace, writes it, and draws a trace from it to compare the two. Lines for people.
Result<std::string> fit_model(const std::filesystem::path& trace, const std::filesystem::path& model,
                              const OpenOptions& options);

// One line an event, with a heading.
Result<void> cat(const std::filesystem::path& trace, const OpenOptions& options, std::FILE* out);

} // namespace faultline::trace
