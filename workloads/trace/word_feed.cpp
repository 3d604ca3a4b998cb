#include "workloads/trace/word_feed.hpp"

#include "base/error.hpp"
#include "workloads/engine/die.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace faultline::trace {
void WordFeed::prepare(const Program& program, const ProgramThread& thread, engine::Arena& arena) {
    fd_ = program.fd();
    offset_ = thread.words_offset;
    words_ = thread.words;
    if (program.is_streamed()) {
        buffer_ = arena.array<std::uint64_t>(buffer_words);
        first_ = buffer_.data();
    } else {
        first_ = program.words(thread);
        due_ = first_ + words_; // which no poll reaches
    }
}

WordFeed::Word WordFeed::begin() {
    if (!buffer_.empty()) {
        read_ = 0;
        held_ = 0;
        moved_ = 0;
        fill();
    }
    return first_;
}

WordFeed::Word WordFeed::read_on(Word at) {
    moved_ += at - first_;
    held_ -= static_cast<std::size_t>(at - first_);
    std::memmove(buffer_.data(), at, held_ * sizeof(std::uint64_t));
    fill();
    return first_;
}

void WordFeed::fill() {
    const std::size_t wanted = std::min<std::uint64_t>(buffer_.size() - held_, words_ - read_);
    auto* to = reinterpret_cast<char*>(buffer_.data() + held_);
    auto from = static_cast<off_t>(offset_ + read_ * sizeof(std::uint64_t));
    for (std::size_t left = wanted * sizeof(std::uint64_t); left > 0;) {
        const ssize_t n = ::pread(fd_, to, left, from);
        if (n == 0 || (n < 0 && errno != EINTR)) {
            engine::die(static_cast<int>(Exit::io), "cannot read on in the compiled trace: %s",
                        n == 0 ? "it has become shorter" : strerrordesc_np(errno));
        }
        if (n > 0) {
            to += n;
            from += n;
            left -= static_cast<std::size_t>(n);
        }
    }
    held_ += wanted;
    read_ += wanted;
    due_ = first_ + held_ - (read_ == words_ ? 0 : reserve_words);
}

} // namespace faultline::trace
