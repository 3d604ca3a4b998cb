#include "workloads/trace/edit.hpp"

#include "workloads/trace/format.hpp"
#include "workloads/trace/resolver.hpp"
#include "workloads/trace/writer.hpp"

#include <algorithm>
#include <memory>
#include <vector>

namespace faultline::trace {
namespace {

// A trace's events one by one, each with what the resolver makes of it.
class Calls {
  public:
    static Result<Calls> open(const std::filesystem::path& trace) {
        Result<std::unique_ptr<EventSource>> source = open_trace(trace);
        if (!source) {
            return tl::unexpected(source.error());
        }
        return Calls(*std::move(source));
    }

    // False at the end.
    Result<bool> next() {
        if (at_ == count_) {
            const Result<std::size_t> count = source_->read(events_);
            if (!count) {
                return tl::unexpected(count.error());
            }
            count_ = *count;
            at_ = 0;
            if (count_ == 0) {
                return false;
            }
        }
        const Event& event = events_[at_++];
        Result<Call> call = resolver_->resolve(event);
        if (!call) {
            return tl::unexpected(call.error());
        }
        call_ = *call;
        return true;
    }
    const Event& event() const { return events_[at_ - 1]; }
    const Call& call() const { return call_; }
    const Resolver& resolver() const { return *resolver_; }
    bool timed() const { return source_->info().timed; }

  private:
    explicit Calls(std::unique_ptr<EventSource> source)
        : source_(std::move(source)), resolver_(std::make_unique<Resolver>(*source_)), events_(4096) {}
    std::unique_ptr<EventSource> source_;
    std::unique_ptr<Resolver> resolver_;
    std::vector<Event> events_;
    std::size_t at_ = 0;
    std::size_t count_ = 0;
    Call call_;
};

// Whole calls written with numbers for blocks, which are given again when they are free.
class Whole {
  public:
    explicit Whole(TraceWriter writer) : writer_(std::move(writer)) {}

    Result<void> add(const Call& call, const Event& event, std::uint32_t first_thread, std::uint64_t time) {
        thread_ = first_thread + call.thread;
        time_ = time;
        if (event.op == Op::thread_start || event.op == Op::thread_end) {
            return put(event.op, 0, 0, 0);
        }
        switch (call.kind) {
        case Call::Kind::none:
            return {};
        case Call::Kind::release_null:
            return put(call.op, 0, 0, call.extra);
        case Call::Kind::release:
            return release(call.op, call);
        case Call::Kind::reallocate:
            return release(Op::realloc_from, call).and_then([&] { return allocate(call, call.bytes); });
        case Call::Kind::allocate:
            break;
        }
        if (call.old_is_lost) {
            if (auto released = release(Op::free, call); !released) {
                return released;
            }
        }
        if (call.op == Op::realloc_to) {
            if (auto begun = put(Op::realloc_from, 0, 0, 0); !begun) {
                return begun;
            }
        }
        return allocate(call, call.op == Op::calloc ? event.size : call.bytes);
    }

    // Blocks get their numbers, and nothing is written.
    void be_silent(bool silent) { silent_ = silent; }
    // A block that was made in silence: by malloc.
    Result<void> add_live(const Block& block, std::uint64_t time) {
        thread_ = block.thread;
        time_ = time;
        return put(Op::malloc, block.slot, block.size, 0);
    }
    Result<void> finish() { return writer_.finish(); }

  private:
    std::uint32_t number() {
        if (free_.empty()) {
            return ++highest_;
        }
        const std::uint32_t number = free_.back();
        free_.pop_back();
        return number;
    }
    Result<void> allocate(const Call& call, std::uint64_t size) {
        call.block->slot = number();
        return put(call.op, call.block->slot, size, call.extra);
    }
    Result<void> release(Op op, const Call& call) {
        free_.push_back(call.old.slot);
        return put(op, call.old.slot, 0, call.extra);
    }
    Result<void> put(Op op, std::uint64_t pointer, std::uint64_t size, std::uint64_t extra) {
        Event event;
        event.time = time_;
        event.op = op;
        event.thread = thread_;
        event.pointer = pointer;
        event.size = size;
        event.extra = extra;
        return silent_ ? Result<void>() : writer_.add(event);
    }

    TraceWriter writer_;
    bool silent_ = false;
    std::uint32_t thread_ = 0;
    std::uint64_t time_ = 0;
    std::vector<std::uint32_t> free_;
    std::uint32_t highest_ = 0;
};

std::vector<Block> live_in_order(const BlockTable& blocks) {
    std::vector<Block> live;
    blocks.for_each([&](std::uint64_t, const Block& block) { live.push_back(block); });
    std::ranges::sort(live, {}, &Block::definition);
    return live;
}

} // namespace

Result<void> cut(const std::filesystem::path& trace, const std::filesystem::path& output,
                 const CutOptions& options) {
    Result<Calls> calls = Calls::open(trace);
    if (!calls) {
        return tl::unexpected(calls.error());
    }
    Result<TraceWriter> writer = TraceWriter::create(output, calls->timed() ? header_timed : 0);
    if (!writer) {
        return tl::unexpected(writer.error());
    }
    Whole out(*std::move(writer));
    std::uint64_t operations = 0;
    std::uint64_t sequence = 0;
    bool begun = options.from == 0;
    out.be_silent(!begun);
    for (;;) {
        const Result<bool> more = calls->next();
        if (!more) {
            return tl::unexpected(more.error());
        }
        if (!*more || operations >= options.to) {
            break;
        }
        const std::uint64_t time = calls->timed() ? calls->event().time : begun ? sequence++ : 0;
        if (auto added = out.add(calls->call(), calls->event(), 0, time); !added) {
            return added;
        }
        if (!begun && calls->call().block != nullptr) {
            calls->call().block->definition = operations;
        }
        operations += calls->call().kind != Call::Kind::none ? 1 : 0;
        if (!begun && operations == options.from) {
            begun = true;
            out.be_silent(false);
            for (const Block& block : live_in_order(calls->resolver().blocks())) {
                if (auto added = out.add_live(block, calls->timed() ? time : sequence++); !added) {
                    return added;
                }
            }
        }
    }
    if (!begun || options.from >= options.to) {
        return fail(Exit::usage, trace.string(),
                    "has " + std::to_string(operations) + " operations, and none from --from to --to",
                    "see `faultline trace info`");
    }
    return out.finish();
}

Result<void> merge(std::span<const std::filesystem::path> traces, const std::filesystem::path& output,
                   const MergeOptions& options) {
    struct Part {
        Calls calls;
        std::uint32_t first_thread = 0;
        bool more = true;
        std::uint64_t begin_ns = 0;
    };
    std::vector<Part> parts;
    bool timed = true;
    std::uint32_t threads = 0;
    for (const std::filesystem::path& trace : traces) {
        // Once to the end, for the number of its threads.
        Result<Calls> counted = Calls::open(trace);
        Result<Calls> calls = Calls::open(trace);
        if (!counted || !calls) {
            return tl::unexpected((counted ? calls : counted).error());
        }
        for (;;) {
            const Result<bool> more = counted->next();
            if (!more) {
                return tl::unexpected(more.error());
            }
            if (!*more) {
                break;
            }
        }
        timed = timed && calls->timed();
        parts.push_back({*std::move(calls), threads});
        threads += static_cast<std::uint32_t>(counted->resolver().stats().thread_names.size());
    }
    Result<TraceWriter> writer = TraceWriter::create(output, timed ? header_timed : 0);
    if (!writer) {
        return tl::unexpected(writer.error());
    }
    Whole out(*std::move(writer));
    const auto advance = [](Part& part) -> Result<void> {
        const Result<bool> more = part.calls.next();
        if (!more) {
            return tl::unexpected(more.error());
        }
        part.more = *more;
        return {};
    };
    for (Part& part : parts) {
        if (auto advanced = advance(part); !advanced) {
            return advanced;
        }
        part.begin_ns = part.more ? part.calls.event().time : 0;
    }
    std::uint64_t last_ns = 0;
    std::uint64_t sequence = 0;
    std::uint64_t offset_ns = 0;
    std::size_t turn = 0;
    for (;;) {
        Part* next = nullptr;
        std::uint64_t time = 0;
        for (std::size_t i = 0; i < parts.size(); ++i) {
            Part& part = parts[options.in_turn ? i : (turn + i) % parts.size()];
            if (!part.more) {
                continue;
            }
            const std::uint64_t at = part.calls.event().time - part.begin_ns;
            if (next == nullptr || (timed && !options.in_turn && at < time)) {
                next = &part;
                time = at;
            }
            if (options.in_turn) {
                break;
            }
        }
        if (next == nullptr) {
            break;
        }
        ++turn;
        last_ns = std::max(last_ns, offset_ns + time);
        const std::uint64_t written = timed ? last_ns : sequence++;
        if (auto added = out.add(next->calls.call(), next->calls.event(), next->first_thread, written);
            !added) {
            return added;
        }
        if (auto advanced = advance(*next); !advanced) {
            return advanced;
        }
        if (!next->more && options.in_turn) {
            offset_ns = last_ns;
        }
    }
    return out.finish();
}

} // namespace faultline::trace
