// What a recording of several processes left: one trace for each program that a process ran, and which of them is the
// large one. Read from the traces' block headers; no event is unpacked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace faultline::trace {

struct RecordedTrace {
    std::filesystem::path file;
    std::string program;          // its name alone, without arguments; empty where the trace cannot tell
    std::uint32_t process = 0;    // its id
    std::uint64_t events = 0;     // calls of the malloc family, starts and ends of threads
    std::uint64_t file_bytes = 0; // of the trace
    bool forked = false;          // begins with its parent's heap, which is not in it
    bool whole = false;           // it ended and said so; false for one that was killed or still runs
    std::string problem;          // why nothing can be read of it; empty
};

// Most events first, then by name. Never fails: a file that cannot be read is one with a problem and no events.
std::vector<RecordedTrace> recorded_traces(const std::vector<std::filesystem::path>& files);

// Where the index of a recording to `output` is, beside it: job.fltrace has job.index.json.
std::filesystem::path index_of(const std::filesystem::path& output);

// {"schema": "faultline-recording/1", "events", "traces": [{"file" (its name), "program", …}]}, in the order
// given.
nlohmann::ordered_json to_json(const std::vector<RecordedTrace>& traces);

} // namespace faultline::trace
