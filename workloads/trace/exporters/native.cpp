// Native traces: with all that the source holds, or compact.
#include "workloads/trace/exporters.hpp"
#include "workloads/trace/writer.hpp"

namespace faultline::trace {
namespace {

class NativeSink : public TraceSink {
  public:
    explicit NativeSink(TraceWriter writer) : writer_(std::move(writer)) {}

    Result<void> add(const Event& event, const Call&) override { return writer_.add(event); }
    Result<void> finish() final { return writer_.finish(); }
    std::vector<std::string> notes() const override { return {}; }

  protected:
    TraceWriter writer_;
};

// Writes whole calls, with small numbers for blocks that are given back last in, first out: the prediction of
// the format then holds nearly always.
class CompactSink final : public NativeSink {
  public:
    CompactSink(TraceWriter writer, bool drops_times)
        : NativeSink(std::move(writer)), drops_times_(drops_times) {}

    Result<void> add(const Event& event, const Call& call) override {
        if (event.op == Op::thread_start || event.op == Op::thread_end) {
            return put(event.op, call.thread, 0, 0, 0);
        }
        switch (call.kind) {
        case Call::Kind::none:
            return {};
        case Call::Kind::release_null:
            return put(call.op, call.thread, 0, 0, call.extra);
        case Call::Kind::release:
            return release(call.op, call);
        case Call::Kind::allocate: {
            if (call.old_is_lost) {
                if (auto released = release(Op::free, call); !released) {
                    return released;
                }
            }
            if (call.op == Op::realloc_to) {
                if (auto begun = put(Op::realloc_from, call.thread, 0, 0, 0); !begun) {
                    return begun;
                }
            }
            return allocate(call, call.op == Op::calloc ? event.size : call.bytes);
        }
        case Call::Kind::reallocate:
            if (auto begun = release(Op::realloc_from, call); !begun) {
                return begun;
            }
            return allocate(call, call.bytes);
        }
        return {};
    }

    std::vector<std::string> notes() const override {
        return drops_times_ ? std::vector<std::string>{"times are left out"} : std::vector<std::string>();
    }

  private:
    Result<void> allocate(const Call& call, std::uint64_t size) {
        if (free_.empty()) {
            free_.push_back(++highest_);
        }
        const std::uint32_t number = free_.back();
        free_.pop_back();
        call.block->slot = number;
        return put(call.op, call.thread, number, size, call.extra);
    }
    Result<void> release(Op op, const Call& call) {
        free_.push_back(call.old.slot);
        return put(op, call.thread, call.old.slot, 0, call.extra);
    }
    Result<void> put(Op op, std::uint32_t thread, std::uint64_t pointer, std::uint64_t size,
                     std::uint64_t extra) {
        Event event;
        event.time = sequence_++;
        event.op = op;
        event.thread = thread;
        event.pointer = pointer;
        event.size = size;
        event.extra = extra;
        return writer_.add(event);
    }

    bool drops_times_;
    std::vector<std::uint32_t> free_;
    std::uint32_t highest_ = 0;
    std::uint64_t sequence_ = 0;
};

Result<TraceWriter> open_writer(const std::filesystem::path& path, std::uint32_t flags,
                                const std::vector<std::string>& notes) {
    Result<TraceWriter> writer = TraceWriter::create(path, flags);
    std::string lines;
    for (const std::string& note : notes) {
        lines += note + "\n";
    }
    if (writer && !lines.empty()) {
        if (auto noted = writer->add_notes(lines); !noted) {
            return tl::unexpected(noted.error());
        }
    }
    return writer;
}

} // namespace

Result<std::unique_ptr<TraceSink>> create_native(const std::filesystem::path& path,
                                                 const SinkOptions& options) {
    const std::uint32_t flags = (options.timed ? header_timed : 0) | (options.partial ? header_forked : 0);
    Result<TraceWriter> writer = open_writer(path, flags, options.notes);
    if (!writer) {
        return tl::unexpected(writer.error());
    }
    return std::make_unique<NativeSink>(*std::move(writer));
}

// Of a partial trace only whole calls are written, so the result is not partial.
Result<std::unique_ptr<TraceSink>> create_compact(const std::filesystem::path& path,
                                                  const SinkOptions& options) {
    Result<TraceWriter> writer = open_writer(path, 0, options.notes);
    if (!writer) {
        return tl::unexpected(writer.error());
    }
    return std::make_unique<CompactSink>(*std::move(writer), options.timed);
}

} // namespace faultline::trace
