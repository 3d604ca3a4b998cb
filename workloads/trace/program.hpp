// A trace compiled for replay: for each thread a flat array of 64-bit words, with pointers resolved to slots
// and the order between threads kept only where a block is released by another thread than the one that
// allocated it, and where one thread had ended before another began. It is a file, so what the harness needs is the page cache's and not the heap's: a small one is mapped
// whole, a large one is *streamed*, each thread reading its words in pieces (word_feed.hpp).
//
// A word holds the operation in its low 6 bits, a slot of the thread in the next 26 and an argument in the
// high 32:
//
//   end            -     -       the thread is done; look_ahead more of them follow, which are only looked at
//   param          value in the high 58 bits: calloc's element count, an alignment, or a realloc's old size, for the
//                  operation that follows
//   wide           value in the high 58 bits: the size of the operation that follows, whose argument is `saturated`
//   malloc ...     slot  size    allocates into the slot
//   free ...       slot  size    releases what is in the slot; the size is what it was allocated with (saturated)
//   free_null      -     -       free(NULL)
//   realloc        slot  size    `param` before it holds the old size; the block stays in its slot
//   realloc_null   slot  size    realloc(NULL, size)
//   give           slot  edge    hands the block to another thread; follows the operation that allocated it
//   take           slot  edge    waits for the block and puts it into a slot of this thread, to be reallocated
//   take_free      how   edge    releases the block by `how`: the number of free or op_delete
//   at             value in the high 58 bits: ns after the first call of the trace before which what follows must not be
//                  done; in a program that is paced
//   poll           -     -       every poll_words words or so, in a program with edges or one that is streamed: a time to look
//                                after what waits, and to read on
#pragma once

#include "base/error.hpp"
#include "base/fd.hpp"

#include <cstdint>
#include <filesystem>
#include <span>

namespace faultline::trace {

enum class Step : std::uint8_t {
    end,
    param,
    wide,
    malloc,
    free,
    free_null,
    calloc,
    realloc,
    realloc_null,
    memalign,
    aligned_alloc,
    posix_memalign,
    op_new,
    op_delete,
    op_new_aligned,
    op_delete_aligned,
    give,
    take,
    take_free,
    poll,
    at,
};
inline constexpr unsigned step_last = static_cast<unsigned>(Step::at);

inline constexpr unsigned poll_words = 1024;
inline constexpr unsigned most_poll_distance =
    poll_words + 8;                        // the words of one operation are not torn apart
inline constexpr unsigned look_ahead = 16; // words that the player reads before their turn
inline constexpr std::uint64_t most_mapped_bytes = std::uint64_t{32}
                                                   << 20; // of words: above it they are streamed

inline constexpr unsigned step_bits = 6;
inline constexpr unsigned slot_bits = 26;
inline constexpr std::uint32_t max_slots = 1u << slot_bits;
inline constexpr std::uint32_t saturated = UINT32_MAX;

constexpr std::uint64_t make_word(Step step, std::uint32_t slot, std::uint32_t argument) {
    return static_cast<std::uint64_t>(step) | static_cast<std::uint64_t>(slot) << step_bits |
           static_cast<std::uint64_t>(argument) << 32;
}
constexpr std::uint64_t make_value_word(Step step, std::uint64_t value) {
    return static_cast<std::uint64_t>(step) | value << step_bits;
}
constexpr Step step_of(std::uint64_t word) {
    return static_cast<Step>(word & ((1u << step_bits) - 1));
}
constexpr std::uint32_t slot_of(std::uint64_t word) {
    return static_cast<std::uint32_t>(word >> step_bits) & (max_slots - 1);
}
constexpr std::uint32_t argument_of(std::uint64_t word) {
    return static_cast<std::uint32_t>(word >> 32);
}
constexpr std::uint64_t value_of(std::uint64_t word) {
    return word >> step_bits;
}

inline constexpr char program_magic[8] = {'F', 'L', 'P', 'R', 'O', 'G', '\n', 0};
// Counts changes of what compile() writes too, since compiled traces are kept.
inline constexpr std::uint32_t program_version = 7;

// Flags.
inline constexpr std::uint32_t program_streamed = 1;
inline constexpr std::uint32_t program_paced = 2;

// Calls of a thread that follow each other faster are not told apart.
inline constexpr std::uint64_t pace_ns = 1000;

struct Leftover { // a block that is live at the end
    std::uint32_t slot;
    std::uint16_t release;        // by what: the number of free, op_delete or op_delete_aligned
    std::uint16_t alignment_log2; // for op_delete_aligned
    std::uint64_t size;
};

struct ProgramThread {
    std::uint64_t words_offset; // in the file, a multiple of 64
    std::uint64_t words;        // with all `end`s
    std::uint64_t leftovers_offset;
    std::uint64_t leftovers;
    std::uint64_t operations;
    std::uint32_t slots;
    std::uint32_t name;     // as the trace numbers it
    std::uint32_t end_rank; // how many threads made their last call before it did
    std::uint32_t after;    // how many had made theirs before its first: it begins when those have ended
};

struct ProgramHeader {
    char magic[8];
    std::uint32_t version;
    std::uint32_t threads;
    std::uint64_t file_bytes;
    std::uint64_t edges; // pairs of give and take
    std::uint64_t operations;
    std::uint64_t requested_bytes;
    std::uint64_t live_bytes; // at the end
    std::uint64_t live_blocks;
    std::uint64_t peak_live_bytes;
    std::uint64_t recorded_ns;  // from the first call to the last; 0 of a trace without times
    std::uint64_t notes_offset; // lines of text on what was left out
    std::uint64_t notes_bytes;
    std::uint32_t flags;
    std::uint32_t checksum; // crc32 of everything behind the table of threads, then of that table
};
static_assert(sizeof(ProgramHeader) == 104 && sizeof(ProgramThread) == 56 && sizeof(Leftover) == 16);

// A program file. Everything in it has been checked against its bounds.
class Program {
  public:
    // Fails with no_input, data (not a program, other version, damaged), io or os.
    static Result<Program> open(const std::filesystem::path& path);
    static Result<Program> open(Fd fd, const std::string& name);
    static bool is_program(const std::filesystem::path& path);

    // What its header says, before the rest is looked at. Fails as open() does.
    static Result<ProgramHeader> read_header(const std::filesystem::path& path);

    Program(Program&& other) noexcept;
    Program& operator=(Program&&) = delete;
    ~Program();

    const ProgramHeader& header() const { return *reinterpret_cast<const ProgramHeader*>(base_); }
    std::span<const ProgramThread> threads() const;
    bool is_streamed() const { return (header().flags & program_streamed) != 0; }
    bool is_paced() const { return (header().flags & program_paced) != 0; }
    const std::uint64_t*
    words(const ProgramThread& thread) const; // in the mapping: of a streamed one not resident
    std::span<const Leftover> leftovers(const ProgramThread& thread) const;
    std::string_view notes() const;
    int fd() const { return fd_.get(); }

    std::uint64_t resident_bytes() const; // of the mapping: whole pages, of a streamed one all but its words

  private:
    Program(Fd fd, const char* base, std::size_t size) : fd_(std::move(fd)), base_(base), size_(size) {}

    // Reads the file from its begin to its end once. Empty, or what is wrong.
    std::string look_through() const;

    Fd fd_;
    const char* base_;
    std::size_t size_;
};

} // namespace faultline::trace
