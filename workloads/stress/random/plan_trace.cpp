#include "workloads/stress/random/plan_trace.hpp"

#include "workloads/trace/reader.hpp"
#include "workloads/trace/resolver.hpp"
#include "workloads/trace/writer.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace faultline::stress {
namespace {

using trace::Event;
using trace::Op;

constexpr std::uint32_t most_blocks = 1U << 24;
constexpr std::uint32_t most_plan_threads = 4096;

class Writing {
  public:
    explicit Writing(trace::TraceWriter& writer) : writer_(writer) {}

    Result<void> add(const Step& step) {
        if (step.op == Op::realloc_to) {
            if (auto begun = put(step, Op::realloc_from, step.old, 0, 0); !begun) {
                return begun;
            }
            return put(step, Op::realloc_to, step.block, step.size, 0);
        }
        const bool is_calloc = step.op == Op::calloc;
        return put(step, step.op, step.block,
                   is_calloc && step.extra > 0 ? step.size / step.extra : step.size, step.extra);
    }

  private:
    Result<void> put(const Step& step, Op op, std::uint64_t pointer, std::uint64_t size,
                     std::uint64_t extra) {
        Event event;
        event.time = time_++;
        event.op = op;
        event.thread = step.thread;
        event.pointer = pointer;
        event.size = size;
        event.extra = extra;
        return writer_.add(event);
    }

    trace::TraceWriter& writer_;
    std::uint64_t time_ = 0;
};

struct ForkNote {
    std::uint64_t calls_before;
    std::uint16_t thread;
};

template <typename Number>
bool parse(std::string_view text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size();
}

// What our own notes say of a trace. `is_ours`: its pointers are block numbers.
struct Notes {
    bool is_ours = false;
    std::uint64_t seed = 0;
    std::uint32_t lanes = 0;
    bool is_free = false;
    std::vector<ForkNote> forks;

    // False for one of ours that cannot be.
    bool read(std::string_view line) {
        const std::size_t equals = line.find('=');
        if (!line.starts_with("stress.") || equals == std::string_view::npos) {
            return true;
        }
        const std::string_view key = line.substr(0, equals);
        const std::string_view value = line.substr(equals + 1);
        if (key == "stress.seed") {
            is_ours = true;
            return parse(value, seed);
        }
        if (key == "stress.lanes") {
            return parse(value, lanes);
        }
        if (key == "stress.order") {
            is_free = value == "free";
            return is_free || value == "planned";
        }
        if (key == "stress.fork") {
            ForkNote fork{};
            const std::size_t comma = value.find(',');
            forks.push_back(fork);
            return comma != std::string_view::npos &&
                   parse(value.substr(0, comma), forks.back().calls_before) &&
                   parse(value.substr(comma + 1), forks.back().thread);
        }
        return true;
    }
};

class Reading {
  public:
    Reading(trace::EventSource& source, const Notes& notes)
        : source_(source), resolver_(source), notes_(notes) {}

    Result<void> all() {
        std::vector<Event> events(4096);
        for (;;) {
            const Result<std::size_t> count = source_.read(events);
            if (!count) {
                return tl::unexpected(count.error());
            }
            if (*count == 0) {
                forks_up_to(UINT64_MAX);
                return {};
            }
            for (std::size_t i = 0; i < *count; ++i) {
                Result<trace::Call> call = resolver_.resolve(events[i]);
                if (!call) {
                    return tl::unexpected(call.error());
                }
                if (call->kind == trace::Call::Kind::none) {
                    continue;
                }
                if (auto added = add(events[i], *call); !added) {
                    return added;
                }
            }
        }
    }

    KeptPlan kept;

  private:
    void forks_up_to(std::uint64_t calls) {
        for (; next_fork_ < notes_.forks.size() && notes_.forks[next_fork_].calls_before <= calls;
             ++next_fork_) {
            const std::uint16_t thread = notes_.forks[next_fork_].thread;
            kept.steps.push_back({.thread = thread, .op = op_fork});
            kept.threads = std::max(kept.threads, thread + 1U);
        }
    }

    Result<void> add(const Event& event, const trace::Call& call) {
        forks_up_to(calls_++);
        Step step{.size = call.bytes, .extra = call.extra, .op = call.op};
        if (call.thread >= most_plan_threads) {
            return refuse(event, "more threads than can be run at once");
        }
        step.thread = static_cast<std::uint16_t>(notes_.is_ours ? event.thread : call.thread);
        kept.threads = std::max(kept.threads, step.thread + 1U);
        using Kind = trace::Call::Kind;
        if (call.kind == Kind::release_null) {
            kept.steps.push_back(step);
            return {};
        }
        if (call.old_is_lost) { // the trace does not say by whom it was released
            kept.steps.push_back({.block = call.old.slot, .thread = step.thread, .op = Op::free});
        }
        if (call.kind == Kind::release) {
            step.block = call.old.slot;
            kept.steps.push_back(step);
            return {};
        }
        if (trace::has_alignment(step.op)) {
            step.size =
                std::max<std::uint64_t>(step.size, 1); // of no bytes: nobody says what alignment is then
        }
        step.old = call.kind == Kind::reallocate ? call.old.slot : 0;
        step.block = notes_.is_ours
                         ? static_cast<std::uint32_t>(std::min<std::uint64_t>(event.pointer, UINT32_MAX))
                         : kept.blocks + 1;
        if (step.block > most_blocks || (notes_.is_ours && !is_new(step.block))) {
            return refuse(event, "a number of a block that no plan has");
        }
        call.block->slot = step.block;
        kept.blocks = std::max(kept.blocks, step.block);
        kept.steps.push_back(step);
        return {};
    }

    bool is_new(std::uint32_t block) {
        seen_.resize(std::max<std::size_t>(seen_.size(), block + 1U));
        const bool was = seen_[block];
        seen_[block] = true;
        return !was;
    }

    tl::unexpected<Error> refuse(const Event& event, const char* what) {
        return fail(Exit::data, source_.place(event), what);
    }

    trace::EventSource& source_;
    trace::Resolver resolver_;
    const Notes& notes_;
    std::vector<bool> seen_;
    std::size_t next_fork_ = 0;
    std::uint64_t calls_ = 0;
};

Result<Notes> read_notes(const trace::EventSource& source, const std::filesystem::path& path) {
    Notes notes;
    if (!source.info().format.starts_with("fltrace")) {
        return notes;
    }
    const Result<trace::FileIndex> index = trace::read_index(path, {});
    if (!index) {
        return tl::unexpected(index.error());
    }
    for (const std::string& line : index->program_notes) {
        if (!notes.read(line)) {
            return fail(Exit::data, path.string(), "a note \"" + line + "\" that no plan has");
        }
    }
    std::stable_sort(notes.forks.begin(), notes.forks.end(),
                     [](const ForkNote& a, const ForkNote& b) { return a.calls_before < b.calls_before; });
    return notes;
}

} // namespace

Result<void> write_trace(const std::filesystem::path& path, const KeptPlan& kept, const std::string& about) {
    Result<trace::TraceWriter> writer = trace::TraceWriter::create(path, 0);
    if (!writer) {
        return tl::unexpected(writer.error());
    }
    std::string notes = "stress.seed=" + std::to_string(kept.seed) +
                        "\nstress.order=" + (kept.is_free ? "free" : "planned") +
                        "\nstress.lanes=" + std::to_string(kept.lanes) + "\n" + about;
    std::uint64_t calls = 0;
    for (const Step& step : kept.steps) {
        if (step.op == op_fork) {
            notes += "stress.fork=" + std::to_string(calls) + "," + std::to_string(step.thread) + "\n";
        } else {
            ++calls;
        }
    }
    if (auto noted = writer->add_notes(notes); !noted) {
        return noted;
    }
    Writing writing(*writer);
    for (const Step& step : kept.steps) {
        if (step.op == op_fork) {
            continue;
        }
        if (auto added = writing.add(step); !added) {
            return added;
        }
    }
    return writer->finish();
}

Result<KeptPlan> read_trace(const std::filesystem::path& path) {
    Result<std::unique_ptr<trace::EventSource>> source = trace::open_trace(path);
    if (!source) {
        return tl::unexpected(source.error());
    }
    const Result<Notes> notes = read_notes(**source, path);
    if (!notes) {
        return tl::unexpected(notes.error());
    }
    Reading reading(**source, *notes);
    if (auto read = reading.all(); !read) {
        return tl::unexpected(read.error());
    }
    KeptPlan kept = std::move(reading.kept);
    kept.seed = notes->seed;
    kept.is_free = notes->is_free;
    kept.lanes = notes->lanes > 0 ? std::min(notes->lanes, kept.threads) : kept.threads;
    return kept;
}

} // namespace faultline::stress
