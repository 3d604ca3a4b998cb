// See glibc_workload.hpp for the format. Each thread's part is collected in memory, since they lie behind each
// other in the file.
#include "workloads/trace/glibc_workload.hpp"
#include "workloads/trace/exporters/call_sink.hpp"

namespace faultline::trace {
namespace {

class GlibcWorkloadSink final : public CallSink {
  public:
    GlibcWorkloadSink(OutputFile file, const SinkOptions& options)
        : CallSink(std::move(file), {true, true, true, true}, options) {}

    Result<void> finish() override {
        const std::size_t main_bytes = 3 * (1 + wide_bytes) + threads_.size() * (1 + wide_bytes) + 1;
        std::string head;
        put_wide(head, Code::pointer_count, highest_ + 1);
        put_wide(head, Code::sync_count, syncs_ + 1);
        put_wide(head, Code::thread_count, threads_.size());
        std::size_t offset = main_bytes;
        for (const Thread& thread : threads_) {
            put_wide(head, Code::start_thread, offset);
            offset += thread.bytes.size() + 1;
        }
        head += static_cast<char>(Code::done);
        if (auto written = file_.write(head); !written) {
            return written;
        }
        for (Thread& thread : threads_) {
            thread.bytes += static_cast<char>(Code::done);
            if (auto written = file_.write(thread.bytes); !written) {
                return written;
            }
        }
        return file_.commit();
    }

  private:
    static constexpr unsigned wide_bytes = 8; // of numbers whose place must be known before their value

    struct Thread {
        std::string bytes;
        // Slots of blocks that this thread released. It alone may use them again: only here is it certain that
        // the release has happened.
        std::vector<std::uint64_t> free;
    };

    static void put(std::string& out, Code code, std::initializer_list<std::uint64_t> numbers) {
        out += static_cast<char>(code);
        for (const std::uint64_t number : numbers) {
            unsigned shift = 0;
            while (shift < 63 && number >> (shift + 7) != 0) {
                shift += 7;
            }
            for (; shift != 0; shift -= 7) {
                out += static_cast<char>(0x80 | (number >> shift & 0x7f));
            }
            out += static_cast<char>(number & 0x7f);
        }
    }
    static void put_wide(std::string& out, Code code, std::uint64_t number) {
        out += static_cast<char>(code);
        for (unsigned left = wide_bytes; left-- != 0;) {
            out += static_cast<char>((left != 0 ? 0x80 : 0) | (number >> (7 * left) & 0x7f));
        }
    }

    Thread& thread(std::uint32_t number) {
        if (number >= threads_.size()) {
            threads_.resize(number + 1);
        }
        return threads_[number];
    }

    std::uint64_t take_slot(Thread& thread) {
        if (thread.free.empty()) {
            return ++highest_; // 0 is NULL
        }
        const std::uint64_t slot = thread.free.back();
        thread.free.pop_back();
        return slot;
    }

    // Lets the thread of this call wait until the block's thread has come to where it is now.
    void wait_for_owner(const Call& call) {
        if (call.old.thread != call.thread) {
            put(thread(call.old.thread).bytes, Code::sync_signal, {++syncs_});
            put(thread(call.thread).bytes, Code::sync_wait, {syncs_});
        }
    }

    Result<void> allocate(const Event&, const Call& call) override {
        Thread& mine = thread(call.thread);
        const std::uint64_t slot = call.block->definition = take_slot(mine);
        if (call.op == Op::calloc) {
            put(mine.bytes, Code::calloc, {slot, call.bytes});
        } else if (has_alignment(call.op)) {
            put(mine.bytes, Code::memalign, {slot, call.extra, call.bytes});
        } else {
            put(mine.bytes, Code::malloc, {slot, call.bytes});
        }
        return {};
    }
    Result<void> release(const Event&, const Call& call) override {
        if (call.kind == Call::Kind::release_null) {
            put(thread(call.thread).bytes, Code::free, {0});
            return {};
        }
        wait_for_owner(call);
        Thread& mine = thread(call.thread);
        put(mine.bytes, Code::free, {call.old.definition});
        mine.free.push_back(call.old.definition);
        return {};
    }
    Result<void> reallocate(const Event&, const Call& call) override {
        wait_for_owner(call);
        call.block->definition = call.old.definition;
        put(thread(call.thread).bytes, Code::realloc, {call.old.definition, call.old.definition, call.bytes});
        return {};
    }

    std::vector<Thread> threads_; // by dense number
    std::uint64_t highest_ = 0;
    std::uint64_t syncs_ = 0;
};

} // namespace

Result<std::unique_ptr<TraceSink>> create_glibc_workload(const std::filesystem::path& path,
                                                         const SinkOptions& options) {
    return create_sink<GlibcWorkloadSink>(path, options);
}

} // namespace faultline::trace
