// What exporters of foreign formats share: they are given whole calls, and what their format cannot hold is
// counted for them.
#pragma once

#include "workloads/trace/exporters.hpp"

namespace faultline::trace {

// What a format can say of a call. What it cannot is counted and told in notes().
struct Keeps {
    bool threads = false;
    bool calloc = false;
    bool realloc = false;
    bool alignment = false;
};

class CallSink : public TraceSink {
  public:
    Result<void> add(const Event& event, const Call& call) final;
    std::vector<std::string> notes() const final;

  protected:
    CallSink(OutputFile file, Keeps keeps, const SinkOptions& options)
        : file_(std::move(file)), keeps_(keeps), has_times_(options.timed),
          has_program_notes_(!options.notes.empty()) {}

    // A block is named by its Block::definition, which allocate() sets in *call.block and release() finds in
    // `old`. A release of NULL has a `call.kind` of release_null.
    virtual Result<void> allocate(const Event& event, const Call& call) = 0;
    virtual Result<void> release(const Event& event, const Call& call) = 0;

    // For formats that keep realloc: call.old becomes *call.block.
    virtual Result<void> reallocate(const Event& event, const Call& call);

    virtual Result<void> end_thread(const Event&, const Call&) { return {}; }

    OutputFile file_;

  private:
    void count(const Call& call);

    Keeps keeps_;
    bool has_times_;
    bool has_program_notes_;
    std::uint64_t on_other_threads_ = 0; // than the first
    std::uint64_t callocs_ = 0;
    std::uint64_t reallocs_ = 0;
    std::uint64_t alignments_ = 0;
    std::uint64_t operators_ = 0;
};

// Makes a sink of type Sink(OutputFile, const SinkOptions&).
template <typename Sink>
Result<std::unique_ptr<TraceSink>> create_sink(const std::filesystem::path& path,
                                               const SinkOptions& options) {
    Result<OutputFile> file = OutputFile::create(path);
    if (!file) {
        return tl::unexpected(file.error());
    }
    return std::make_unique<Sink>(*std::move(file), options);
}

} // namespace faultline::trace
