// Follows a trace's blocks from allocation to release: finds what cannot have happened (a free of what was
// never allocated, an address that was given out twice), turns events into whole calls, and counts.
// Everything that reads a trace to its end (check, info, convert, the compiler of programs) goes through it,
// so all refuse the same traces.
#pragma once

#include "workloads/trace/source.hpp"

#include <array>
#include <map>
#include <vector>

namespace faultline::trace {

// What the trace holds, counted while it is resolved.
struct TraceStats {
    std::uint64_t operations = 0; // calls of the malloc family that can be replayed; a realloc is one
    std::array<std::uint64_t, op_last + 1> calls{}; // by Op; a realloc counts under realloc_to
    std::uint64_t null_frees = 0;
    std::uint64_t cross_thread_releases = 0; // frees and reallocs on another thread than the allocation's
    std::uint64_t failed_calls = 0;          // returned NULL: left out
    std::uint64_t unknown_releases =
        0;                           // of a partial trace: of blocks whose allocation is not in it: left out
    std::uint64_t lost_releases = 0; // of a partial trace: an address came back unreleased: taken as freed
    std::uint64_t zero_reallocs =
        0; // realloc(p, 0): kept as a free, or as one of a byte when it gave a block
    std::uint64_t requested_bytes = 0;
    std::uint64_t live_bytes = 0; // at the end
    std::uint64_t live_blocks = 0;
    std::uint64_t peak_live_bytes = 0;
    std::uint64_t largest_bytes = 0;
    std::uint64_t first_time = 0;
    std::uint64_t last_time = 0;
    std::array<std::uint64_t, 48> sizes{};           // requests of [2^(i-1), 2^i) bytes at i; of 0 at 0
    std::vector<std::uint64_t> operations_of_thread; // by dense thread number
    std::vector<std::uint32_t> thread_names;         // as the trace numbers them, by dense thread number

    // Sentences on what was left out or changed, for people.
    std::vector<std::string> notes() const;
};

// A live block, as it stands in the table; `slot` and `definition` belong to whoever uses the resolver.
struct Block {
    std::uint32_t thread = 0; // dense number of the thread that allocated it
    std::uint32_t slot = 0;
    std::uint64_t size = 0;
    std::uint64_t definition = 0;
};

// Addresses to live blocks: open addressing, because a trace has millions of them.
class BlockTable {
  public:
    BlockTable() : entries_(1024) {}

    // The block at `pointer` (not 0), or nullptr. Valid until the next insert() or erase().
    Block* find(std::uint64_t pointer);
    Block& insert(std::uint64_t pointer, const Block& block); // `pointer` must not be in it
    void erase(std::uint64_t pointer);                        // `pointer` must be in it
    std::size_t size() const { return count_; }

    template <typename Visit>
    void for_each(Visit visit) const {
        for (const Entry& entry : entries_) {
            if (entry.pointer != 0) {
                visit(entry.pointer, entry.block);
            }
        }
    }

  private:
    struct Entry {
        std::uint64_t pointer = 0;
        Block block;
    };
    std::size_t home_of(std::uint64_t pointer) const;
    std::size_t index_of(std::uint64_t pointer) const; // where it is, or the free place where it belongs
    void grow();

    std::vector<Entry> entries_;
    std::size_t count_ = 0;
};

// A whole call, ready to be replayed.
struct Call {
    enum class Kind { none, allocate, release, release_null, reallocate };
    Kind kind = Kind::none;
    Op op = Op::malloc;
    std::uint32_t thread = 0; // dense
    std::uint64_t bytes = 0;  // of the new block
    std::uint64_t extra = 0;  // as Event::extra
    Block* block = nullptr;   // the new block in the table: valid until the next call
    Block old;                // the block that is released
    bool old_is_lost =
        false; // with `allocate`: `old` must be released before, the trace does not say by whom
};

class Resolver {
  public:
    explicit Resolver(const EventSource& source) : source_(source) {}

    // The call that this event completes; Kind::none when it completes none. Errors are of status data and
    // name the event's place.
    Result<Call> resolve(const Event& event);

    // After the last event: gives up what is half done.
    void finish();

    const TraceStats& stats() const { return stats_; }
    const BlockTable& blocks() const { return blocks_; }

    // Blocks whose realloc was begun and never ended, at the end of a partial trace: still live.
    const std::vector<Block>& unfinished() const { return unfinished_; }

  private:
    struct Pending { // between realloc_from and realloc_to
        bool is_open = false;
        std::uint64_t pointer = 0;
        bool has_block = false;
        Block block;
    };
    Result<Call> allocate(const Event& event, Call call);
    Result<Call> release(const Event& event, Call call);
    Result<Call> begin_realloc(const Event& event, const Call& call);
    Result<Call> end_realloc(const Event& event, Call call);
    Result<void> check_size(const Event& event) const;
    // Takes `pointer` out of the table. False with an unknown one of a partial trace.
    Result<bool> take(const Event& event, std::uint64_t pointer, std::uint32_t thread, Block& block);
    tl::unexpected<Error> bad(const Event& event, std::string what) const;
    std::uint32_t dense_thread(std::uint32_t name);
    void count(const Call& call);

    const EventSource& source_;
    TraceStats stats_;
    BlockTable blocks_;
    std::vector<Pending> pending_; // by dense thread number
    std::vector<Block> unfinished_;
    std::map<std::uint32_t, std::uint32_t> dense_;
    std::uint32_t last_name_ = 0;
    std::uint32_t last_dense_ = 0;
};

} // namespace faultline::trace
