// The words of one thread of a program, as its player walks through them: those of a mapped program stand where they are;
// of a streamed one a piece at a time is in a buffer, and the thread that plays them reads on at a poll. By read() and not
// through a mapping, whose page faults would be counted as the allocator's.
#pragma once

#include "workloads/engine/arena.hpp"
#include "workloads/trace/program.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace faultline::trace {

class WordFeed {
  public:
    using Word = const std::uint64_t*;

    // `program` must outlive this.
    void prepare(const Program& program, const ProgramThread& thread, engine::Arena& arena);

    // The first word. May be called again for another round.
    Word begin();

    // At a poll: where that word is from now on.
    Word advance(Word at) { return at < due_ ? at : read_on(at); }

    // Which of the thread's words it is.
    std::ptrdiff_t place_of(Word at) const { return moved_ + (at - first_); }

  private:
    [[gnu::noinline]] Word read_on(Word at);
    void fill();

    static constexpr std::size_t buffer_words =
        8192; // 64 KiB: with the heap's own lines in a second-level cache
    // Until the next poll no word may be missing, nor any that is looked ahead at.
    static constexpr std::size_t reserve_words = most_poll_distance + 1 + look_ahead;

    int fd_ = -1;
    std::uint64_t offset_ = 0; // in the file, of the thread's words
    std::uint64_t words_ = 0;
    std::uint64_t read_ = 0; // of them
    std::span<std::uint64_t> buffer_;
    std::size_t held_ = 0;
    std::ptrdiff_t moved_ = 0; // words that were before first_
    Word first_ = nullptr;
    Word due_ = nullptr; // from here on a poll reads on
};

} // namespace faultline::trace
