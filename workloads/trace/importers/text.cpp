#include "workloads/trace/importers/text.hpp"

namespace faultline::trace {
namespace {

bool is_plain_text(std::string_view line) {
    for (const char c : line) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x80 || (byte < 0x20 && byte != '\t')) {
            return false;
        }
    }
    return true;
}

} // namespace

void Scanner::skip_blanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) {
        rest_.remove_prefix(1);
    }
}

bool Scanner::at_end() {
    skip_blanks();
    return rest_.empty();
}

std::string_view Scanner::word() {
    skip_blanks();
    std::size_t n = 0;
    while (n < rest_.size() && rest_[n] != ' ' && rest_[n] != '\t') {
        ++n;
    }
    const std::string_view found = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return found;
}

const char* parse_decimal(std::string_view text, std::uint64_t& value) {
    if (text.empty()) {
        return "is missing";
    }
    if (text.front() == '-') {
        return "is negative";
    }
    value = 0;
    for (const char c : text) {
        const auto digit = static_cast<unsigned>(c - '0');
        if (digit > 9) {
            return "is not a number";
        }
        if (__builtin_mul_overflow(value, std::uint64_t{10}, &value) ||
            __builtin_add_overflow(value, std::uint64_t{digit}, &value)) {
            return "is beyond 64 bits";
        }
    }
    return nullptr;
}

const char* parse_hexadecimal(std::string_view digits, std::uint64_t& value) {
    if (digits.empty()) {
        return "is missing";
    }
    if (digits.size() > 16) {
        return "is beyond 64 bits";
    }
    value = 0;
    for (const char c : digits) {
        const char lower = static_cast<char>(c | 0x20);
        unsigned digit = 0;
        if (c >= '0' && c <= '9') {
            digit = static_cast<unsigned>(c - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            digit = static_cast<unsigned>(lower - 'a') + 10;
        } else {
            return "is not a hexadecimal number";
        }
        value = value << 4 | digit;
    }
    return nullptr;
}

const char* parse_pointer(std::string_view text, std::uint64_t& value) {
    if (text.empty()) {
        return "is missing";
    }
    if (text.size() < 3 || text[0] != '0' || (text[1] | 0x20) != 'x') {
        return "is not a hexadecimal address";
    }
    return parse_hexadecimal(text.substr(2), value);
}

std::string_view first_line(std::string_view head) {
    std::string_view line = head.substr(0, head.find('\n'));
    if (!line.empty() && line.back() == '\r') {
        line.remove_suffix(1);
    }
    return line;
}

LineSource::LineSource(LineReader input, const char* format, const char* expected)
    : input_(std::move(input)), expected_(expected) {
    info_.format = format;
}

Result<std::size_t> LineSource::read(std::span<Event> out) {
    std::size_t count = 0;
    while (count + 2 <= out.size()) { // a realloc is two events
        const Result<bool> more = input_.next(line_);
        if (!more) {
            return tl::unexpected(more.error());
        }
        if (!*more) {
            if (count != 0) {
                break; // the end is said when it is asked for again
            }
            if (Result<void> ended = at_end(); !ended) {
                return tl::unexpected(ended.error());
            }
            for (const std::string& left_out : input_.input().notes()) {
                note(left_out);
            }
            break;
        }
        if (!line_.empty() && line_.back() == '\r') {
            line_.remove_suffix(1);
        }
        const Result<unsigned> events = parse(line_, out.data() + count);
        if (!events) {
            return tl::unexpected(events.error());
        }
        count += *events;
    }
    return count;
}

Event LineSource::event(Op op, std::uint64_t pointer, std::uint64_t size, std::uint64_t extra) {
    Event event;
    event.time = sequence_++;
    event.pointer = pointer;
    event.size = size;
    event.extra = extra;
    event.position = input_.line_number();
    event.op = op;
    return event;
}

tl::unexpected<Error> LineSource::bad(std::string what) const {
    if (!is_plain_text(line_)) {
        what = "not a line of text (bytes outside of ASCII)";
    }
    return fail(Exit::data, place_of(input_.line_number()), std::move(what), expected_);
}

tl::unexpected<Error> LineSource::bad_number(const char* what, const char* why) const {
    return bad(std::string(what) + " " + why);
}

void LineSource::note_count(std::uint64_t count, const char* what) {
    if (count != 0) {
        note(std::to_string(count) + " " + what);
    }
}

} // namespace faultline::trace
