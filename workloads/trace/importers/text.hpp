// What the importers of text formats share: words and numbers of a line, and the reading of lines into events.
// An importer derives from LineSource and says in parse() what one line means.
#pragma once

#include "workloads/trace/importers.hpp"

namespace faultline::trace {

// Takes pieces off the front of a line.
class Scanner {
  public:
    explicit Scanner(std::string_view rest) : rest_(rest) {}

    bool at_end();
    std::string_view word(); // up to the next blank; empty at the end

  private:
    void skip_blanks();
    std::string_view rest_;
};

// Each gives why the text is no such number, as the end of a sentence, or nullptr when it is one.
const char* parse_decimal(std::string_view text, std::uint64_t& value);
const char* parse_hexadecimal(std::string_view digits, std::uint64_t& value); // without 0x
const char* parse_pointer(std::string_view text, std::uint64_t& value);       // with 0x

// The first line of `head`, without its end.
std::string_view first_line(std::string_view head);

class LineSource : public EventSource {
  public:
    Result<std::size_t> read(std::span<Event> out) final;
    const TraceInfo& info() const final { return info_; }
    std::string place(const Event& event) const final { return place_of(event.position); }

  protected:
    // `expected` is the remedy of every complaint: what a right line looks like.
    LineSource(LineReader input, const char* format, const char* expected);

    // One line, without its end, blank or not. Writes at most two events, each made by event(), and says how
    // many.
    virtual Result<unsigned> parse(std::string_view line, Event* out) = 0;

    // After the last line: refuses what is cut short, adds notes.
    virtual Result<void> at_end() { return {}; }

    // The next event in the order of the file, which is the order of the calls.
    Event event(Op op, std::uint64_t pointer, std::uint64_t size = 0, std::uint64_t extra = 0);

    // The complaint about the line that is being parsed.
    tl::unexpected<Error> bad(std::string what) const;
    tl::unexpected<Error> bad_number(const char* what, const char* why) const;

    const std::string& file() const { return input_.input().name(); }
    void note(std::string sentence) { info_.notes.push_back(std::move(sentence)); }
    void note_count(std::uint64_t count, const char* what); // "COUNT what", unless it is 0

    TraceInfo info_;

  private:
    std::string place_of(std::uint64_t line) const { return file() + ":" + std::to_string(line); }

    LineReader input_;
    const char* expected_;
    std::string_view line_;
    std::uint64_t sequence_ = 0;
};

} // namespace faultline::trace
