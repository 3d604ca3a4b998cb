// See glibc_workload.hpp for the format. The order between threads is not in the file, except for the syncs, so
// they are taken in turns, one operation each.
#include "workloads/trace/glibc_workload.hpp"
#include "workloads/trace/importers.hpp"

#include <unordered_set>

namespace faultline::trace {
namespace {

// All of it is held in memory, since threads lie behind each other. An operation takes 4 to 10 bytes.
constexpr std::size_t size_limit_of_file = std::size_t{2} << 30;

// Takes codes and numbers off a part of the file.
struct Cursor {
    std::string_view bytes; // of the whole file
    std::size_t at = 0;

    bool number(std::uint64_t& value) {
        value = 0;
        while (at < bytes.size()) {
            const auto byte = static_cast<unsigned char>(bytes[at++]);
            if (value >> 57 != 0) {
                return false;
            }
            value = value << 7 | (byte & 0x7f);
            if ((byte & 0x80) == 0) {
                return true;
            }
        }
        return false;
    }
};

class GlibcWorkload final : public EventSource {
  public:
    explicit GlibcWorkload(LineReader input) : input_(std::move(input)) {
        info_.format = "glibc workload";
        info_.notes.push_back("the order between threads is not in the file: they were taken in turns");
    }

    Result<std::size_t> read(std::span<Event> out) override {
        if (bytes_.empty()) {
            if (Result<void> begun = begin(); !begun) {
                return tl::unexpected(begun.error());
            }
        }
        std::size_t count = 0;
        while (count + 2 <= out.size() && live_ != 0) {
            const Result<unsigned> events = turn(out.data() + count);
            if (!events) {
                return tl::unexpected(events.error());
            }
            count += *events;
        }
        if (count == 0) {
            for (const std::string& note : input_.input().notes()) {
                info_.notes.push_back(note);
            }
        }
        return count;
    }

    const TraceInfo& info() const override { return info_; }
    std::string place(const Event& event) const override { return place_of(event.position); }

  private:
    struct Thread {
        Cursor cursor;
        bool done = false;
    };

    std::string place_of(std::uint64_t offset) const {
        return input_.input().name() + ": byte " + std::to_string(offset);
    }
    tl::unexpected<Error> bad(std::size_t offset, std::string what) const {
        return fail(Exit::data, place_of(offset), std::move(what),
                    "the file is cut or damaged: make it again with trace2wl");
    }

    // The main part: finds the threads.
    Result<void> begin() {
        Result<std::string> all = input_.rest(size_limit_of_file);
        if (!all) {
            return tl::unexpected(all.error());
        }
        bytes_ = *std::move(all);
        Cursor cursor{bytes_};
        for (;;) {
            const std::size_t offset = cursor.at;
            if (offset == bytes_.size()) {
                return bad(offset, "the main part has no end");
            }
            const auto code = static_cast<Code>(bytes_[cursor.at++]);
            if (code == Code::done) {
                break;
            }
            if (code == Code::nothing) {
                continue;
            }
            std::uint64_t value = 0;
            if (code < Code::pointer_count || code > Code::start_thread || !cursor.number(value)) {
                return bad(offset, "the main part holds something else than counts and threads");
            }
            if (code == Code::start_thread) {
                if (value >= bytes_.size() || threads_.size() == UINT16_MAX) {
                    return bad(offset, "a thread begins beyond the end of the file, or there are too many");
                }
                threads_.push_back({Cursor{bytes_, static_cast<std::size_t>(value)}, false});
            }
        }
        live_ = threads_.size();
        return {};
    }

    // One step of the next thread that can go on: up to two events.
    Result<unsigned> turn(Event* out) {
        for (std::size_t tried = 0; tried < threads_.size(); ++tried) {
            const std::size_t index = next_;
            next_ = (next_ + 1) % threads_.size();
            Thread& thread = threads_[index];
            if (thread.done) {
                continue;
            }
            bool waits = false;
            Result<unsigned> events = step(thread, out, waits);
            if (!events || !waits) {
                for (unsigned i = 0; events && i < *events; ++i) {
                    out[i].thread = static_cast<std::uint32_t>(index + 1);
                }
                return events;
            }
        }
        return bad(bytes_.size(), "the threads wait for each other for ever");
    }

    Result<unsigned> step(Thread& thread, Event* out, bool& waits) {
        const std::size_t offset = thread.cursor.at;
        Cursor cursor = thread.cursor;
        if (offset == bytes_.size()) {
            return bad(offset, "a thread's part has no end");
        }
        const auto code = static_cast<Code>(bytes_[cursor.at++]);
        std::uint64_t numbers[3] = {};
        const unsigned wanted = operands(code);
        for (unsigned i = 0; i < wanted; ++i) {
            if (!cursor.number(numbers[i])) {
                return bad(offset, "a number is cut off or beyond 64 bits");
            }
        }
        unsigned count = 0;
        switch (code) {
        case Code::nothing:
            break;
        case Code::done:
            thread.done = true;
            --live_;
            break;
        case Code::malloc:
            out[count++] = event(Op::malloc, offset, numbers[0], numbers[1]);
            break;
        case Code::calloc:
            out[count++] = event(Op::calloc, offset, numbers[0], numbers[1], 1);
            break;
        case Code::realloc:
            out[count++] = event(Op::realloc_from, offset, numbers[1]);
            out[count++] = event(Op::realloc_to, offset, numbers[0], numbers[2]);
            break;
        case Code::free:
            out[count++] = event(Op::free, offset, numbers[0]);
            break;
        case Code::memalign:
            out[count++] = event(Op::memalign, offset, numbers[0], numbers[2], numbers[1]);
            break;
        case Code::sync_signal:
            signalled_.insert(numbers[0]);
            break;
        case Code::sync_wait:
            if (signalled_.count(numbers[0]) == 0) {
                waits = true;
                return 0u;
            }
            break;
        default:
            return bad(offset, "unknown operation");
        }
        // No byte belongs to two threads: else a small file could stand for an endless trace.
        used_bytes_ += cursor.at - offset;
        if (used_bytes_ > bytes_.size()) {
            return bad(offset, "the parts of the threads overlap");
        }
        thread.cursor = cursor;
        return count;
    }

    static unsigned operands(Code code) {
        switch (code) {
        case Code::malloc:
        case Code::calloc:
            return 2;
        case Code::realloc:
        case Code::memalign:
            return 3;
        case Code::free:
        case Code::sync_signal:
        case Code::sync_wait:
            return 1;
        default:
            return 0;
        }
    }

    Event event(Op op, std::size_t offset, std::uint64_t pointer, std::uint64_t size = 0,
                std::uint64_t extra = 0) {
        Event event;
        event.time = sequence_++;
        event.pointer = pointer;
        event.size = size;
        event.extra = extra;
        event.position = offset;
        event.op = op;
        return event;
    }

    LineReader input_;
    TraceInfo info_;
    std::string bytes_;
    std::vector<Thread> threads_;
    std::unordered_set<std::uint64_t> signalled_;
    std::size_t live_ = 0; // threads that are not done
    std::size_t next_ = 0;
    std::size_t used_bytes_ = 0;
    std::uint64_t sequence_ = 0;
};

} // namespace

// Known by a main part that is nothing but counts and at least one thread.
bool is_glibc_workload(std::string_view head) {
    Cursor cursor{head};
    bool has_thread = false;
    while (cursor.at < head.size()) {
        const auto code = static_cast<Code>(head[cursor.at++]);
        std::uint64_t value = 0;
        if (code == Code::done) {
            return has_thread;
        }
        if (code == Code::nothing) {
            continue;
        }
        if (code < Code::pointer_count || code > Code::start_thread) {
            return false;
        }
        has_thread = has_thread || code == Code::start_thread;
        if (!cursor.number(value)) {
            return has_thread && cursor.at == head.size();
        }
    }
    return has_thread;
}

std::unique_ptr<EventSource> make_glibc_workload(LineReader input) {
    return std::make_unique<GlibcWorkload>(std::move(input));
}

} // namespace faultline::trace
