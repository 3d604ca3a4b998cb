// A trace being read, of whatever format: a stream of events in one order in which they could have happened.
// An importer is one of these: a file in importers/ and a row of the table in importers.cpp.
#pragma once

#include "base/error.hpp"
#include "workloads/trace/event.hpp"

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace faultline::trace {

struct TraceInfo {
    std::string format; // "fltrace 1", "android memory_replay"
    bool timed = false; // Event::time is in ns
    // True for a trace that is not whole by nature: of a process that was killed, or that began with its
    // parent's heap. Blocks that it frees without having allocated them are then left out and counted, not
    // refused.
    bool partial = false;
    std::vector<std::string>
        notes; // what the format holds and this reading could not keep, one sentence each
};

class EventSource {
  public:
    virtual ~EventSource() = default;

    // The next events, at most out.size(); 0 at the end. After an error nothing more may be read.
    virtual Result<std::size_t> read(std::span<Event> out) = 0;

    // What is known so far; complete once read() has returned 0.
    virtual const TraceInfo& info() const = 0;

    // "FILE:LINE" or "FILE: block at byte N, event M": where an event that was read stands.
    virtual std::string place(const Event& event) const = 0;
};

struct OpenOptions {
    bool recover = false; // a native trace whose last block is cut is read up to its last whole block
};

// Finds out the format from the content. Fails with no_input, or with data when it is none of the known ones.
Result<std::unique_ptr<EventSource>> open_trace(const std::filesystem::path& path,
                                                const OpenOptions& options = {});

} // namespace faultline::trace
