// Writes a native trace, block by block. A file that was not closed with finish() has no end block, and
// readers say so.
#pragma once

#include "base/error.hpp"
#include "workloads/trace/event.hpp"
#include "workloads/trace/format.hpp"
#include "workloads/trace/output_file.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace faultline::trace {

class TraceWriter {
  public:
    // Creates `path` beside its final name; finish() moves it there, so that nothing half-written is ever
    // found. `flags` are those of the FileHeader. Fails with cannot_create.
    static Result<TraceWriter> create(const std::filesystem::path& path, std::uint32_t flags);

    // Events in order of Event::time. Fails with io.
    Result<void> add(const Event& event);

    // Lines "key=value".
    Result<void> add_notes(std::string_view lines);

    Result<void> finish();

  private:
    explicit TraceWriter(OutputFile file);
    Result<void> flush();
    Result<void> write_block(BlockHeader header, const std::vector<unsigned char>& raw);

    OutputFile file_;
    std::vector<Event> events_;
};

} // namespace faultline::trace
