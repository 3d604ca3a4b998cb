#include "workloads/trace/recorded.hpp"

#include "workloads/trace/reader.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace faultline::trace {
namespace {

constexpr std::string_view program_note = "program=";

RecordedTrace look_at(const std::filesystem::path& file) {
    RecordedTrace trace;
    trace.file = file;
    std::error_code ignored;
    const auto bytes = std::filesystem::file_size(file, ignored);
    trace.file_bytes = ignored ? 0 : bytes;
    const Result<FileIndex> index = read_index(file, OpenOptions{.recover = true});
    if (!index) {
        trace.problem = index.error().line();
        return trace;
    }
    for (const std::string& note : index->program_notes) {
        if (note.starts_with(program_note)) {
            trace.program = note.substr(program_note.size());
        }
    }
    trace.process = index->header.process;
    trace.events = index->events;
    trace.forked = (index->header.flags & header_forked) != 0;
    trace.whole = index->ended;
    return trace;
}

} // namespace

std::vector<RecordedTrace> recorded_traces(const std::vector<std::filesystem::path>& files) {
    std::vector<RecordedTrace> traces;
    traces.reserve(files.size());
    for (const std::filesystem::path& file : files) {
        traces.push_back(look_at(file));
    }
    std::sort(traces.begin(), traces.end(), [](const RecordedTrace& a, const RecordedTrace& b) {
        return a.events != b.events ? a.events > b.events : a.file < b.file;
    });
    return traces;
}

std::filesystem::path index_of(const std::filesystem::path& output) {
    return std::filesystem::path(output).replace_extension(".index.json");
}

nlohmann::ordered_json to_json(const std::vector<RecordedTrace>& traces) {
    std::uint64_t events = 0;
    nlohmann::ordered_json rows = nlohmann::ordered_json::array();
    for (const RecordedTrace& trace : traces) {
        events += trace.events;
        rows.push_back({{"file", trace.file.filename().string()},
                        {"program", trace.program},
                        {"process", trace.process},
                        {"events", trace.events},
                        {"file_bytes", trace.file_bytes},
                        {"forked", trace.forked},
                        {"whole", trace.whole},
                        {"problem", trace.problem}});
    }
    return {{"schema", "faultline-recording/1"}, {"events", events}, {"traces", rows}};
}

} // namespace faultline::trace
