// The formats that can be written, as a table: a further one is a file in exporters/ and a row in exporters.cpp.
#pragma once

#include "workloads/trace/output_file.hpp"
#include "workloads/trace/resolver.hpp"

#include <memory>
#include <span>

namespace faultline::trace {

// A trace being written, of whatever format.
class TraceSink {
  public:
    virtual ~TraceSink() = default;

    // An event and what the resolver made of it. Fails with io.
    virtual Result<void> add(const Event& event, const Call& call) = 0;

    // Puts the file in its place. Fails with io or cannot_create.
    virtual Result<void> finish() = 0;

    // What the trace holds and the format cannot, one sentence each; complete after finish().
    virtual std::vector<std::string> notes() const = 0;
};

struct SinkOptions {
    bool timed = false;             // the source's times are in ns
    bool partial = false;           // as TraceInfo::partial
    std::vector<std::string> notes; // "key=value" lines on the program; only native traces keep them
};

struct Exporter {
    std::string_view name;  // as --to takes it
    std::string_view reads; // who reads such files
    Result<std::unique_ptr<TraceSink>> (*create)(const std::filesystem::path& path,
                                                 const SinkOptions& options);
};

std::span<const Exporter> exporters();
const Exporter* find_exporter(std::string_view name);

// One function for each format in exporters/.
Result<std::unique_ptr<TraceSink>> create_native(const std::filesystem::path&, const SinkOptions&);
Result<std::unique_ptr<TraceSink>> create_compact(const std::filesystem::path&, const SinkOptions&);
Result<std::unique_ptr<TraceSink>> create_memory_replay(const std::filesystem::path&, const SinkOptions&);
Result<std::unique_ptr<TraceSink>> create_malloclab(const std::filesystem::path&, const SinkOptions&);
Result<std::unique_ptr<TraceSink>> create_mtrace(const std::filesystem::path&, const SinkOptions&);
Result<std::unique_ptr<TraceSink>> create_heaptrack(const std::filesystem::path&, const SinkOptions&);
Result<std::unique_ptr<TraceSink>> create_glibc_workload(const std::filesystem::path&, const SinkOptions&);

} // namespace faultline::trace
