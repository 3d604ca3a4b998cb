#include "workloads/trace/exporters/call_sink.hpp"

namespace faultline::trace {

Result<void> CallSink::add(const Event& event, const Call& call) {
    switch (call.kind) {
    case Call::Kind::none:
        return event.op == Op::thread_end ? end_thread(event, call) : Result<void>();
    case Call::Kind::allocate:
        count(call);
        if (call.old_is_lost) {
            if (auto released = release(event, call); !released) {
                return released;
            }
        }
        return allocate(event, call);
    case Call::Kind::release:
    case Call::Kind::release_null:
        count(call);
        return release(event, call);
    case Call::Kind::reallocate:
        count(call);
        return reallocate(event, call);
    }
    return {};
}

Result<void> CallSink::reallocate(const Event& event, const Call& call) {
    if (auto released = release(event, call); !released) {
        return released;
    }
    return allocate(event, call);
}

void CallSink::count(const Call& call) {
    on_other_threads_ += call.thread != 0 ? 1 : 0;
    callocs_ += call.op == Op::calloc ? 1 : 0;
    reallocs_ += call.kind == Call::Kind::reallocate ? 1 : 0;
    alignments_ += has_alignment(call.op) && call.kind == Call::Kind::allocate ? 1 : 0;
    operators_ += call.op == Op::op_new || call.op == Op::op_delete || call.op == Op::op_new_aligned ||
                          call.op == Op::op_delete_aligned
                      ? 1
                      : 0;
}

std::vector<std::string> CallSink::notes() const {
    std::vector<std::string> all;
    const auto say = [&](bool kept, std::uint64_t count, const char* what) {
        if (!kept && count != 0) {
            all.push_back(std::to_string(count) + " " + what);
        }
    };
    say(keeps_.threads, on_other_threads_,
        "call(s) of other threads than the first became calls of one thread");
    say(keeps_.calloc, callocs_, "calloc(s) became malloc");
    say(keeps_.realloc, reallocs_, "realloc(s) became a free and a malloc");
    say(keeps_.alignment, alignments_, "alignment(s) are left out");
    say(false, operators_, "call(s) of operator new and delete became malloc and free");
    if (has_times_) {
        all.emplace_back("times are left out");
    }
    if (has_program_notes_) {
        all.emplace_back("what the trace says of its program is left out");
    }
    return all;
}

} // namespace faultline::trace
