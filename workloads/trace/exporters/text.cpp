// The text formats. Each is described in the file of its importer.
#include "workloads/trace/exporters/call_sink.hpp"

#include <cinttypes>
#include <cstdarg>
#include <cstdio>

namespace faultline::trace {
namespace {

using Ull = unsigned long long;

std::string line_of(const char* format, ...) __attribute__((format(printf, 1, 2)));

std::string line_of(const char* format, ...) {
    char text[160]; // a word and at most four numbers
    std::va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return text;
}

class MemoryReplaySink final : public CallSink {
  public:
    MemoryReplaySink(OutputFile file, const SinkOptions& options)
        : CallSink(std::move(file), {true, true, true, true}, options) {}

    Result<void> finish() override { return file_.commit(); }

  private:
    Result<void> allocate(const Event& event, const Call& call) override {
        const Ull at = call.block->definition = event.pointer;
        if (call.op == Op::calloc) {
            return file_.write(line_of("%" PRIu32 ": calloc 0x%llx %llu %llu\n", event.thread, at,
                                       Ull{event.extra}, Ull{event.size}));
        }
        if (has_alignment(call.op)) {
            return file_.write(line_of("%" PRIu32 ": memalign 0x%llx %llu %llu\n", event.thread, at,
                                       Ull{call.extra}, Ull{call.bytes}));
        }
        if (call.op == Op::realloc_to) {
            return file_.write(
                line_of("%" PRIu32 ": realloc 0x%llx 0x0 %llu\n", event.thread, at, Ull{call.bytes}));
        }
        return file_.write(line_of("%" PRIu32 ": malloc 0x%llx %llu\n", event.thread, at, Ull{call.bytes}));
    }
    Result<void> release(const Event& event, const Call& call) override {
        return file_.write(line_of("%" PRIu32 ": free 0x%llx\n", event.thread, Ull{call.old.definition}));
    }
    Result<void> reallocate(const Event& event, const Call& call) override {
        call.block->definition = event.pointer;
        return file_.write(line_of("%" PRIu32 ": realloc 0x%llx 0x%llx %llu\n", event.thread,
                                   Ull{event.pointer}, Ull{call.old.definition}, Ull{call.bytes}));
    }
    Result<void> end_thread(const Event& event, const Call&) override {
        return file_.write(line_of("%" PRIu32 ": thread_done 0x0\n", event.thread));
    }
};

class MtraceSink final : public CallSink {
  public:
    MtraceSink(OutputFile file, const SinkOptions& options)
        : CallSink(std::move(file), {false, false, true, false}, options) {}

    Result<void> finish() override {
        if (auto ended = put(is_empty_ ? "= Start\n= End\n" : "= End\n"); !ended) {
            return ended;
        }
        return file_.commit();
    }

  private:
    Result<void> put(const std::string& line) {
        const bool is_first = is_empty_ && line.front() != '=';
        is_empty_ = is_empty_ && line.front() == '=';
        return file_.write(is_first ? "= Start\n" + line : line);
    }
    Result<void> allocate(const Event& event, const Call& call) override {
        call.block->definition = event.pointer;
        return put(line_of("@ [0x0] + 0x%llx %#llx\n", Ull{event.pointer}, Ull{call.bytes}));
    }
    Result<void> release(const Event&, const Call& call) override {
        if (call.kind == Call::Kind::release_null) {
            return {}; // mtrace() does not write them
        }
        return put(line_of("@ [0x0] - 0x%llx\n", Ull{call.old.definition}));
    }
    Result<void> reallocate(const Event& event, const Call& call) override {
        call.block->definition = event.pointer;
        return put(line_of("@ [0x0] < 0x%llx\n@ [0x0] > 0x%llx %#llx\n", Ull{call.old.definition},
                           Ull{event.pointer}, Ull{call.bytes}));
    }

    bool is_empty_ = true;
};

class HeaptrackSink final : public CallSink {
  public:
    HeaptrackSink(OutputFile file, const SinkOptions& options) : CallSink(std::move(file), {}, options) {}

    Result<void> finish() override {
        if (auto begun = begin(); !begun) {
            return begun;
        }
        return file_.commit();
    }

  private:
    // Version 1.4 of format 3, a program without name, and one backtrace for all.
    Result<void> begin() {
        if (has_begun_) {
            return {};
        }
        has_begun_ = true;
        return file_.write("v 10400 3\nx 1 -\nX -\nI 1000 1\nt 1 0\n");
    }
    Result<void> allocate(const Event& event, const Call& call) override {
        if (auto begun = begin(); !begun) {
            return begun;
        }
        call.block->definition = event.pointer;
        return file_.write(line_of("+ %llx 1 %llx\n", Ull{call.bytes}, Ull{event.pointer}));
    }
    Result<void> release(const Event&, const Call& call) override {
        if (call.kind == Call::Kind::release_null) {
            return {};
        }
        return file_.write(line_of("- %llx\n", Ull{call.old.definition}));
    }

    bool has_begun_ = false;
};

class MalloclabSink final : public CallSink {
  public:
    MalloclabSink(OutputFile file, const SinkOptions& options)
        : CallSink(std::move(file), {false, false, true, false}, options) {}

    // The header holds figures that are known at the end, so room is left for them.
    Result<void> finish() override {
        if (auto begun = begin(); !begun) {
            return begun;
        }
        if (auto headed = file_.overwrite(0, header()); !headed) {
            return headed;
        }
        return file_.commit();
    }

  private:
    std::string header() const {
        return line_of("%20llu\n%20llu\n%20llu\n%20u\n", Ull{peak_bytes_}, Ull{highest_}, Ull{operations_},
                       1u);
    }
    Result<void> begin() { return operations_ == 0 ? file_.write(header()) : Result<void>(); }
    Result<void> put(const std::string& line) {
        if (auto begun = begin(); !begun) {
            return begun;
        }
        ++operations_;
        return file_.write(line);
    }
    std::uint64_t take_id() {
        if (free_.empty()) {
            free_.push_back(highest_++);
        }
        const std::uint64_t id = free_.back();
        free_.pop_back();
        return id;
    }
    void grow(std::uint64_t more, std::uint64_t less) {
        live_bytes_ += more - less;
        peak_bytes_ = live_bytes_ > peak_bytes_ ? live_bytes_ : peak_bytes_;
    }
    Result<void> allocate(const Event&, const Call& call) override {
        call.block->definition = take_id();
        grow(call.bytes, 0);
        return put(line_of("a %llu %llu\n", Ull{call.block->definition}, Ull{call.bytes}));
    }
    Result<void> release(const Event&, const Call& call) override {
        if (call.kind == Call::Kind::release_null) {
            return put("f -1\n");
        }
        free_.push_back(call.old.definition);
        grow(0, call.old.size);
        return put(line_of("f %llu\n", Ull{call.old.definition}));
    }
    Result<void> reallocate(const Event&, const Call& call) override {
        call.block->definition = call.old.definition;
        grow(call.bytes, call.old.size);
        return put(line_of("r %llu %llu\n", Ull{call.old.definition}, Ull{call.bytes}));
    }

    std::vector<std::uint64_t> free_; // ids
    std::uint64_t highest_ = 0;
    std::uint64_t operations_ = 0;
    std::uint64_t live_bytes_ = 0;
    std::uint64_t peak_bytes_ = 0;
};

} // namespace

Result<std::unique_ptr<TraceSink>> create_memory_replay(const std::filesystem::path& path,
                                                        const SinkOptions& options) {
    return create_sink<MemoryReplaySink>(path, options);
}

Result<std::unique_ptr<TraceSink>> create_mtrace(const std::filesystem::path& path,
                                                 const SinkOptions& options) {
    return create_sink<MtraceSink>(path, options);
}

Result<std::unique_ptr<TraceSink>> create_heaptrack(const std::filesystem::path& path,
                                                    const SinkOptions& options) {
    return create_sink<HeaptrackSink>(path, options);
}

Result<std::unique_ptr<TraceSink>> create_malloclab(const std::filesystem::path& path,
                                                    const SinkOptions& options) {
    return create_sink<MalloclabSink>(path, options);
}

} // namespace faultline::trace
