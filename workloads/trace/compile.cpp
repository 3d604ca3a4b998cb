#include "workloads/trace/compile.hpp"

#include "base/file.hpp"
#include "workloads/trace/crc32.hpp"
#include "workloads/trace/resolver.hpp"
#include "workloads/trace/word_spool.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace faultline::trace {
namespace {

std::uint32_t clamp(std::uint64_t size) {
    return size < saturated ? static_cast<std::uint32_t>(size) : saturated;
}

Step step_for(Op op) {
    switch (op) {
    case Op::calloc:
        return Step::calloc;
    case Op::realloc_to:
        return Step::realloc_null; // one that had a block is Call::Kind::reallocate
    case Op::memalign:
        return Step::memalign;
    case Op::aligned_alloc:
        return Step::aligned_alloc;
    case Op::posix_memalign:
        return Step::posix_memalign;
    case Op::op_new:
        return Step::op_new;
    case Op::op_new_aligned:
        return Step::op_new_aligned;
    case Op::free:
        return Step::free;
    case Op::op_delete:
        return Step::op_delete;
    case Op::op_delete_aligned:
        return Step::op_delete_aligned;
    default:
        return Step::malloc;
    }
}

// What a block's definition is remembered by: the place of its word, and how the block must be released where the trace
// does not say.
struct Definition {
    static constexpr unsigned place_bits = 48;

    std::uint64_t place; // of the word that defines the block, among its thread's
    Step release = Step::free;
    std::uint8_t alignment_log2 = 0; // for op_delete_aligned

    std::uint64_t packed() const {
        return place | static_cast<std::uint64_t>(release) << place_bits |
               static_cast<std::uint64_t>(alignment_log2) << (place_bits + 8);
    }
    static Definition unpacked(std::uint64_t packed) {
        return {packed & ((std::uint64_t{1} << place_bits) - 1),
                static_cast<Step>(packed >> place_bits & 0xff),
                static_cast<std::uint8_t>(packed >> (place_bits + 8))};
    }
};

// One thread of the program while it is made.
struct Stream {
    WordSpool words;
    std::vector<std::uint32_t> free_slots; // last in, first out: the slots in use stay few and warm
    std::uint32_t slots = 0;
    std::uint64_t first_call = 0; // by all threads' calls, counted from 1
    std::uint64_t last_call = 0;
    std::uint64_t next_ns = 0; // of a paced program: calls before it need no time of their own
    std::vector<std::pair<std::uint64_t, std::uint64_t>> gives; // (place of the word that allocates, edge)
    std::vector<Leftover> leftovers;

    std::uint32_t take_slot() {
        if (free_slots.empty()) {
            return slots++;
        }
        const std::uint32_t slot = free_slots.back();
        free_slots.pop_back();
        return slot;
    }

    // Calls put(word) for all words: with each give behind the word that defined the block, a poll in each stretch of
    // words if asked for, and the ends.
    template <typename Put>
    void finish(SpillFile& spill, bool with_polls, Put put) {
        std::sort(gives.begin(), gives.end());
        auto give = gives.begin();
        std::uint64_t place = 0;
        std::uint64_t put_so_far = 0;
        std::uint64_t next_poll = with_polls ? poll_words : UINT64_MAX;
        words.drain(spill, [&](std::uint64_t word) {
            put(word);
            ++put_so_far;
            if (give != gives.end() && give->first == place) {
                put(make_word(Step::give, slot_of(word), static_cast<std::uint32_t>(give->second)));
                ++put_so_far;
                ++give;
            }
            ++place;
            // Not between a prefix and its operation.
            if (put_so_far >= next_poll && step_of(word) != Step::param && step_of(word) != Step::wide) {
                put(make_word(Step::poll, 0, 0));
                ++put_so_far;
                next_poll = put_so_far + poll_words;
            }
        });
        for (unsigned i = 0; i < 1 + look_ahead; ++i) {
            put(make_word(Step::end, 0, 0));
        }
    }
};

// Writes from the begin to the end of a file and sums up what it writes.
class Sink {
  public:
    explicit Sink(int fd) : fd_(fd) {}

    void put(std::string_view bytes) {
        sum_ = crc32(bytes.data(), bytes.size(), sum_);
        at_ += bytes.size();
        buffer_ += bytes;
        if (buffer_.size() >= piece_bytes) {
            flush();
        }
    }
    void put(std::uint64_t word) { put(std::string_view(reinterpret_cast<const char*>(&word), sizeof word)); }
    void align() {
        static constexpr char zeros[64] = {};
        put(std::string_view(zeros, (64 - at_ % 64) % 64));
    }
    void flush() {
        if (error_ == 0 && !write_all(fd_, buffer_)) {
            error_ = errno;
        }
        buffer_.clear();
    }
    void restart_sum() { sum_ = 0; }

    std::uint64_t at() const { return at_; }
    std::uint32_t sum() const { return sum_; } // crc32
    int error() const { return error_; }       // an errno, or 0

  private:
    static constexpr std::size_t piece_bytes = 1 << 18;

    int fd_;
    std::string buffer_;
    std::uint64_t at_ = 0;
    std::uint32_t sum_ = 0;
    int error_ = 0;
};

class Compiler {
  public:
    Compiler(EventSource& source, const CompileOptions& options)
        : source_(source), resolver_(source), options_(options), spill_(options.folder) {}

    Result<void> run(int fd) {
        std::vector<Event> events(4096);
        for (;;) {
            const Result<std::size_t> n = source_.read(events);
            if (!n) {
                return tl::unexpected(n.error());
            }
            if (*n == 0) {
                break;
            }
            for (std::size_t i = 0; i < *n; ++i) {
                const Result<Call> call = resolver_.resolve(events[i]);
                if (!call) {
                    return tl::unexpected(call.error());
                }
                begin(*call, events[i].time);
                add(*call);
            }
            if (edges_ >= saturated ||
                std::any_of(streams_.begin(), streams_.end(),
                            [](const Stream& stream) { return stream.slots >= max_slots; })) {
                return fail(Exit::data, source_.place(events[0]),
                            "more than 2^26 live blocks of a thread, or 2^32 frees across threads",
                            "cut the trace into parts");
            }
            if (spill_.error() != 0) {
                return cannot_spill();
            }
        }
        resolver_.finish();
        if (resolver_.stats().operations == 0) {
            return fail(Exit::data, source_.place(Event{}), "holds no call of the malloc family",
                        "record a program that allocates");
        }
        if (options_.paced && !source_.info().timed) {
            return fail(Exit::data, source_.place(Event{}), "holds no times to keep to",
                        "leave out pace, or record the program with `faultline record`");
        }
        collect_leftovers();
        return lay_out(fd);
    }

  private:
    // Who calls and, of a paced program, when.
    void begin(const Call& call, std::uint64_t time) {
        if (call.kind == Call::Kind::none) {
            return;
        }
        if (call.thread >= streams_.size()) {
            streams_.resize(call.thread + 1);
        }
        Stream& stream = streams_[call.thread];
        stream.last_call = ++calls_;
        stream.first_call = stream.first_call == 0 ? calls_ : stream.first_call;
        const std::uint64_t ns = time - std::min(time, resolver_.stats().first_time);
        if (options_.paced && ns >= stream.next_ns) {
            push(stream, make_value_word(Step::at, ns));
            stream.next_ns = ns + pace_ns;
        }
    }

    void add(const Call& call) {
        Stream& stream = streams_[call.thread];
        switch (call.kind) {
        case Call::Kind::none:
            break;
        case Call::Kind::release_null:
            push(stream, make_word(Step::free_null, 0, 0));
            break;
        case Call::Kind::release:
            release(call.thread, call.old, step_for(call.op), call.extra);
            break;
        case Call::Kind::allocate: {
            if (call.old_is_lost) {
                const Definition by = Definition::unpacked(call.old.definition);
                release(call.thread, call.old, by.release, std::uint64_t{1} << by.alignment_log2);
            }
            const Step step = step_for(call.op);
            if (call.op == Op::calloc || has_alignment(call.op)) {
                push(stream, make_value_word(Step::param, call.extra));
            }
            define(stream, call, step, stream.take_slot(), release_of(step, call.extra));
            break;
        }
        case Call::Kind::reallocate: {
            const std::uint32_t slot = bring_here(call.thread, call.old);
            push(stream, make_value_word(Step::param, call.old.size));
            define(stream, call, Step::realloc, slot, {});
            break;
        }
        }
    }

    void push(Stream& stream, std::uint64_t word) { stream.words.push(word, spill_); }

    void define(Stream& stream, const Call& call, Step step, std::uint32_t slot, Definition by) {
        if (call.bytes >= saturated) {
            push(stream, make_value_word(Step::wide, call.bytes));
        }
        by.place = stream.words.size();
        call.block->slot = slot;
        call.block->definition = by.packed();
        push(stream, make_word(step, slot, clamp(call.bytes)));
    }

    // How a block must be released that was allocated so. Its place is not known yet.
    static Definition release_of(Step step, std::uint64_t alignment) {
        switch (step) {
        case Step::op_new:
            return {0, Step::op_delete, 0};
        case Step::op_new_aligned:
            return {0, Step::op_delete_aligned,
                    static_cast<std::uint8_t>(std::countr_zero(std::max<std::uint64_t>(alignment, 1)))};
        default:
            return {};
        }
    }

    std::uint32_t make_edge(const Block& block) {
        Stream& from = streams_[block.thread];
        from.gives.emplace_back(Definition::unpacked(block.definition).place, edges_);
        from.free_slots.push_back(block.slot);
        return static_cast<std::uint32_t>(edges_++);
    }

    // The block's slot on this thread: its own, or a new one into which it is taken over.
    std::uint32_t bring_here(std::uint32_t thread, const Block& block) {
        if (block.thread == thread) {
            return block.slot;
        }
        const std::uint32_t edge = make_edge(block);
        const std::uint32_t slot = streams_[thread].take_slot();
        push(streams_[thread], make_word(Step::take, slot, edge));
        return slot;
    }

    void release(std::uint32_t thread, const Block& block, Step step, std::uint64_t alignment) {
        if (block.thread != thread && step != Step::op_delete_aligned) {
            const std::uint32_t edge = make_edge(block);
            push(streams_[thread], make_word(Step::take_free, static_cast<std::uint32_t>(step), edge));
            return;
        }
        const std::uint32_t slot = bring_here(thread, block);
        if (step == Step::op_delete_aligned) {
            push(streams_[thread], make_value_word(Step::param, alignment));
        }
        push(streams_[thread], make_word(step, slot, clamp(block.size)));
        streams_[thread].free_slots.push_back(slot);
    }

    void collect_leftovers() {
        const auto leave = [&](const Block& block) {
            const Definition by = Definition::unpacked(block.definition);
            streams_[block.thread].leftovers.push_back(
                {block.slot, static_cast<std::uint16_t>(by.release), by.alignment_log2, block.size});
        };
        resolver_.blocks().for_each([&](std::uint64_t, const Block& block) { leave(block); });
        for (const Block& block : resolver_.unfinished()) {
            leave(block);
        }
        for (Stream& stream : streams_) {
            std::sort(stream.leftovers.begin(), stream.leftovers.end(),
                      [](const Leftover& a, const Leftover& b) { return a.slot < b.slot; });
        }
    }

    Result<void> lay_out(int fd) {
        const TraceStats& stats = resolver_.stats();
        ProgramHeader header{};
        std::memcpy(header.magic, program_magic, sizeof program_magic);
        header.version = program_version;
        header.threads = static_cast<std::uint32_t>(streams_.size());
        header.edges = edges_;
        header.operations = stats.operations;
        header.requested_bytes = stats.requested_bytes;
        header.live_bytes = stats.live_bytes;
        header.live_blocks = stats.live_blocks;
        header.peak_live_bytes = stats.peak_live_bytes;
        std::uint64_t words = 0;
        for (const Stream& stream : streams_) {
            words += stream.words.size();
        }
        header.recorded_ns = source_.info().timed ? stats.last_time - stats.first_time : 0;
        header.flags = (words * sizeof(std::uint64_t) > options_.most_mapped_bytes ? program_streamed : 0) |
                       (options_.paced ? program_paced : 0);

        Sink sink(fd);
        std::vector<ProgramThread> threads(streams_.size());
        const std::string_view table(reinterpret_cast<const char*>(threads.data()),
                                     threads.size() * sizeof(ProgramThread));
        sink.put(std::string(sizeof header, '\0')); // both are written once they are known
        sink.put(table);
        sink.restart_sum();
        for (std::size_t i = 0; i < streams_.size(); ++i) {
            ProgramThread& thread = threads[i];
            thread.operations = stats.operations_of_thread[i];
            thread.slots = streams_[i].slots;
            thread.name = stats.thread_names[i];
            thread.end_rank = ended_before(streams_[i].last_call);
            thread.after = ended_before(streams_[i].first_call);
            sink.align();
            thread.words_offset = sink.at();
            streams_[i].finish(spill_, edges_ != 0 || (header.flags & program_streamed) != 0,
                               [&](std::uint64_t word) { sink.put(word); });
            thread.words = (sink.at() - thread.words_offset) / sizeof(std::uint64_t);
            sink.align();
            thread.leftovers_offset = sink.at();
            thread.leftovers = streams_[i].leftovers.size();
            sink.put(std::string_view(reinterpret_cast<const char*>(streams_[i].leftovers.data()),
                                      thread.leftovers * sizeof(Leftover)));
        }
        sink.align();
        header.notes_offset = sink.at();
        for (const auto& list : {source_.info().notes, stats.notes()}) {
            for (const std::string& note : list) {
                sink.put(note + "\n");
            }
        }
        header.notes_bytes = sink.at() - header.notes_offset;
        header.file_bytes = sink.at();
        header.checksum = crc32(table.data(), table.size(), sink.sum());
        sink.flush();
        if (spill_.error() != 0) {
            return cannot_spill();
        }
        std::string front(reinterpret_cast<const char*>(&header), sizeof header);
        front += table;
        if (sink.error() != 0 ||
            ::pwrite(fd, front.data(), front.size(), 0) != static_cast<ssize_t>(front.size())) {
            return fail_errno(Exit::io, "the compiled trace", "cannot write",
                              sink.error() != 0 ? sink.error() : errno, "free some space");
        }
        return {};
    }

    std::uint32_t ended_before(std::uint64_t call) const {
        return static_cast<std::uint32_t>(std::count_if(
            streams_.begin(), streams_.end(), [&](const Stream& stream) { return stream.last_call < call; }));
    }

    tl::unexpected<Error> cannot_spill() const {
        return fail_errno(Exit::io, options_.folder.string(),
                          "cannot keep a trace there while it is compiled", spill_.error(),
                          "free some space");
    }

    EventSource& source_;
    Resolver resolver_;
    const CompileOptions& options_;
    SpillFile spill_;
    std::vector<Stream> streams_; // by dense thread number
    std::uint64_t edges_ = 0;
    std::uint64_t calls_ = 0;
};

} // namespace

std::filesystem::path spill_folder() {
    const char* given = std::getenv("TMPDIR");
    return given != nullptr && *given != '\0' ? given : "/var/tmp";
}

Result<void> compile(EventSource& source, int fd, const CompileOptions& options) {
    return Compiler(source, options).run(fd);
}

} // namespace faultline::trace
