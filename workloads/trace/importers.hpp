// The formats that can be read, as a table: a further one is a file in importers/ and a row in importers.cpp.
#pragma once

#include "workloads/trace/input.hpp"
#include "workloads/trace/source.hpp"

#include <span>
#include <string_view>

namespace faultline::trace {

struct Importer {
    std::string_view format;                // its name, as messages and documents write it
    bool (*matches)(std::string_view head); // whether a file that begins so is of this format
    std::unique_ptr<EventSource> (*make)(LineReader input);
};

std::span<const Importer> importers();

// One function for each file in importers/.
bool is_memory_replay(std::string_view head);
std::unique_ptr<EventSource> make_memory_replay(LineReader input);
bool is_malloclab(std::string_view head);
std::unique_ptr<EventSource> make_malloclab(LineReader input);
bool is_mtrace(std::string_view head);
std::unique_ptr<EventSource> make_mtrace(LineReader input);
bool is_heaptrack(std::string_view head);
std::unique_ptr<EventSource> make_heaptrack(LineReader input);
bool is_glibc_workload(std::string_view head);
std::unique_ptr<EventSource> make_glibc_workload(LineReader input);
bool is_model(std::string_view head); // in model/
std::unique_ptr<EventSource> make_model_source(LineReader input);

// The native format has its own way in: it is read block by block, in order of time, not as a stream.
bool is_native(std::string_view head);
Result<std::unique_ptr<EventSource>> open_native(const std::filesystem::path& path,
                                                 const OpenOptions& options);

} // namespace faultline::trace
