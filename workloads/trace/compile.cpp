#include "workloads/trace/program.hpp"

#include "workloads/trace/crc32.hpp"
#include "workloads/trace/resolver.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

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

// The words of one thread while they are made.
struct Stream {
    std::vector<std::uint64_t> words;
    std::vector<std::uint32_t> free_slots; // last in, first out: the slots in use stay few and warm
    std::uint32_t slots = 0;
    std::vector<std::pair<std::uint64_t, std::uint64_t>>
        gives; // (word that allocates, edge), in order of edges
    std::vector<Leftover> leftovers;

    std::uint32_t take_slot() {
        if (free_slots.empty()) {
            return slots++;
        }
        const std::uint32_t slot = free_slots.back();
        free_slots.pop_back();
        return slot;
    }
    // Puts each give behind the word that defined the block, and a poll into each stretch of words.
    void insert_gives(bool has_edges) {
        std::sort(gives.begin(), gives.end());
        std::vector<std::uint64_t> all;
        all.reserve(words.size() + gives.size() + words.size() / poll_words + 1);
        std::size_t next_poll = has_edges ? poll_words : SIZE_MAX;
        auto give = gives.begin();
        for (std::size_t i = 0; i < words.size(); ++i) {
            all.push_back(words[i]);
            if (give != gives.end() && give->first == i) {
                all.push_back(
                    make_word(Step::give, slot_of(words[i]), static_cast<std::uint32_t>(give->second)));
                ++give;
            }
            // Not between a prefix and its operation.
            if (all.size() >= next_poll && step_of(words[i]) != Step::param &&
                step_of(words[i]) != Step::wide) {
                all.push_back(make_word(Step::poll, 0, 0));
                next_poll = all.size() + poll_words;
            }
        }
        words = std::move(all);
    }
};

class Compiler {
  public:
    explicit Compiler(EventSource& source) : source_(source), resolver_(source) {}

    Result<std::string> run() {
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
                add(*call);
            }
            if (edges_ >= saturated ||
                std::any_of(streams_.begin(), streams_.end(),
                            [](const Stream& stream) { return stream.slots >= max_slots; })) {
                return fail(Exit::data, source_.place(events[0]),
                            "more than 2^26 live blocks of a thread, or 2^32 frees across threads",
                            "cut the trace into parts");
            }
        }
        resolver_.finish();
        if (resolver_.stats().operations == 0) {
            return fail(Exit::data, source_.place(Event{}), "holds no call of the malloc family",
                        "record a program that allocates");
        }
        collect_leftovers();
        for (Stream& stream : streams_) {
            stream.insert_gives(edges_ != 0);
            stream.words.insert(stream.words.end(), 1 + look_ahead, make_word(Step::end, 0, 0));
        }
        return lay_out();
    }

  private:
    void add(const Call& call) {
        if (call.thread >= streams_.size()) {
            streams_.resize(call.thread + 1);
        }
        Stream& stream = streams_[call.thread];
        switch (call.kind) {
        case Call::Kind::none:
            break;
        case Call::Kind::release_null:
            stream.words.push_back(make_word(Step::free_null, 0, 0));
            break;
        case Call::Kind::release:
            release(call.thread, call.old, step_for(call.op), call.extra);
            break;
        case Call::Kind::allocate: {
            if (call.old_is_lost) {
                const Release way = release_of(call.old);
                release(call.thread, call.old, way.step, std::uint64_t{1} << way.alignment_log2);
            }
            const Step step = step_for(call.op);
            if (call.op == Op::calloc || has_alignment(call.op)) {
                stream.words.push_back(make_value_word(Step::param, call.extra));
            }
            define(stream, call, step, stream.take_slot());
            break;
        }
        case Call::Kind::reallocate: {
            const std::uint32_t slot = bring_here(call.thread, call.old);
            stream.words.push_back(make_value_word(Step::param, call.old.size));
            define(stream, call, Step::realloc, slot);
            break;
        }
        }
    }

    static void define(Stream& stream, const Call& call, Step step, std::uint32_t slot) {
        if (call.bytes >= saturated) {
            stream.words.push_back(make_value_word(Step::wide, call.bytes));
        }
        call.block->slot = slot;
        call.block->definition = stream.words.size();
        stream.words.push_back(make_word(step, slot, clamp(call.bytes)));
    }

    std::uint32_t make_edge(const Block& block) {
        Stream& from = streams_[block.thread];
        from.gives.emplace_back(block.definition, edges_);
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
        streams_[thread].words.push_back(make_word(Step::take, slot, edge));
        return slot;
    }

    void release(std::uint32_t thread, const Block& block, Step step, std::uint64_t alignment) {
        if (block.thread != thread && step != Step::op_delete_aligned) {
            const std::uint32_t edge = make_edge(block);
            streams_[thread].words.push_back(
                make_word(Step::take_free, static_cast<std::uint32_t>(step), edge));
            return;
        }
        const std::uint32_t slot = bring_here(thread, block);
        if (step == Step::op_delete_aligned) {
            streams_[thread].words.push_back(make_value_word(Step::param, alignment));
        }
        streams_[thread].words.push_back(make_word(step, slot, clamp(block.size)));
        streams_[thread].free_slots.push_back(slot);
    }

    // How a block must be released whose release the trace does not hold: as the word that defined it tells.
    struct Release {
        Step step;
        std::uint16_t alignment_log2;
    };
    Release release_of(const Block& block) const {
        const std::vector<std::uint64_t>& words = streams_[block.thread].words;
        std::size_t at = block.definition;
        switch (step_of(words[at])) {
        case Step::op_new:
            return {Step::op_delete, 0};
        case Step::op_new_aligned: {
            do {
                --at; // over a `wide`
            } while (step_of(words[at]) != Step::param);
            const std::uint64_t alignment = std::max<std::uint64_t>(value_of(words[at]), 1);
            return {Step::op_delete_aligned, static_cast<std::uint16_t>(std::countr_zero(alignment))};
        }
        default:
            return {Step::free, 0};
        }
    }

    void collect_leftovers() {
        const auto leave = [&](const Block& block) {
            const Release way = release_of(block);
            streams_[block.thread].leftovers.push_back(
                {block.slot, static_cast<std::uint16_t>(way.step), way.alignment_log2, block.size});
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

    std::string lay_out() const {
        const TraceStats& stats = resolver_.stats();
        std::string notes;
        for (const auto& list : {source_.info().notes, stats.notes()}) {
            for (const std::string& note : list) {
                notes += note + "\n";
            }
        }
        std::string out;
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

        std::vector<ProgramThread> threads(streams_.size());
        std::uint64_t at = sizeof header + threads.size() * sizeof(ProgramThread);
        const auto place = [&](std::uint64_t bytes) {
            at = (at + 63) & ~std::uint64_t{63};
            return std::exchange(at, at + bytes);
        };
        for (std::size_t i = 0; i < streams_.size(); ++i) {
            ProgramThread& thread = threads[i];
            thread.words = streams_[i].words.size();
            thread.words_offset = place(thread.words * sizeof(std::uint64_t));
            thread.leftovers = streams_[i].leftovers.size();
            thread.leftovers_offset = place(thread.leftovers * sizeof(Leftover));
            thread.operations = stats.operations_of_thread[i];
            thread.slots = streams_[i].slots;
            thread.name = stats.thread_names[i];
        }
        header.notes_bytes = notes.size();
        header.notes_offset = place(notes.size());
        header.file_bytes = at;

        out.resize(at);
        std::memcpy(out.data() + sizeof header, threads.data(), threads.size() * sizeof(ProgramThread));
        for (std::size_t i = 0; i < streams_.size(); ++i) {
            std::memcpy(out.data() + threads[i].words_offset, streams_[i].words.data(),
                        threads[i].words * sizeof(std::uint64_t));
            std::copy_n(reinterpret_cast<const char*>(streams_[i].leftovers.data()),
                        threads[i].leftovers * sizeof(Leftover), out.data() + threads[i].leftovers_offset);
        }
        notes.copy(out.data() + header.notes_offset, notes.size());
        header.checksum = crc32(out.data() + sizeof header, out.size() - sizeof header);
        std::memcpy(out.data(), &header, sizeof header);
        return out;
    }

    EventSource& source_;
    Resolver resolver_;
    std::vector<Stream> streams_; // by dense thread number
    std::uint64_t edges_ = 0;
};

} // namespace

Result<std::string> compile(EventSource& source) {
    return Compiler(source).run();
}

} // namespace faultline::trace
