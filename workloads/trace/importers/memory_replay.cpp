// Android's memory_replay text (system/extras/memory_replay of the Android Open Source Project), one call a
// line:
//
//   186: malloc 0xb6027400 1024          186: memalign 0xb6027400 64 1024     (pointer, alignment, size)
//   186: calloc 0xb6027400 4 256         186: realloc 0xb6027800 0xb6027400 2048   (new, old, size)
//   186: free 0xb6027400                 186: thread_done 0x0
//
// each optionally followed by a start and an end time in ns, which are checked and not kept: the order of the
// lines is the order of the calls.
#include "workloads/trace/importers.hpp"

#include <cctype>

namespace faultline::trace {
namespace {

// Takes pieces off the front of a line.
class Scanner {
  public:
    explicit Scanner(std::string_view rest) : rest_(rest) {}

    bool at_end() {
        skip_blanks();
        return rest_.empty();
    }
    std::string_view word() {
        skip_blanks();
        std::size_t n = 0;
        while (n < rest_.size() && rest_[n] != ' ' && rest_[n] != '\t') {
            ++n;
        }
        const std::string_view found = rest_.substr(0, n);
        rest_.remove_prefix(n);
        return found;
    }

  private:
    void skip_blanks() {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) {
            rest_.remove_prefix(1);
        }
    }
    std::string_view rest_;
};

// Why a number cannot be used, or nullptr.
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

const char* parse_pointer(std::string_view text, std::uint64_t& value) {
    if (text.empty()) {
        return "is missing";
    }
    if (text.size() < 3 || text[0] != '0' || (text[1] | 0x20) != 'x') {
        return "is not a hexadecimal address";
    }
    if (text.size() > 18) {
        return "is beyond 64 bits";
    }
    value = 0;
    for (const char c : text.substr(2)) {
        const char lower = static_cast<char>(c | 0x20);
        unsigned digit = 0;
        if (c >= '0' && c <= '9') {
            digit = static_cast<unsigned>(c - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            digit = static_cast<unsigned>(lower - 'a') + 10;
        } else {
            return "is not a hexadecimal address";
        }
        value = value << 4 | digit;
    }
    return nullptr;
}

bool is_plain_text(std::string_view line) {
    for (const char c : line) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x80 || (byte < 0x20 && byte != '\t')) {
            return false;
        }
    }
    return true;
}

class MemoryReplay final : public EventSource {
  public:
    explicit MemoryReplay(LineReader input) : input_(std::move(input)) {
        info_.format = "android memory_replay";
    }

    Result<std::size_t> read(std::span<Event> out) override {
        std::size_t count = 0;
        while (count + 2 <= out.size()) { // a realloc is two events
            std::string_view line;
            const Result<bool> more = input_.next(line);
            if (!more) {
                return tl::unexpected(more.error());
            }
            if (!*more) {
                finish();
                break;
            }
            if (!line.empty() && line.back() == '\r') {
                line.remove_suffix(1);
            }
            Event event;
            event.position = input_.line_number();
            const Result<unsigned> events = parse(line, event, out.data() + count);
            if (!events) {
                return tl::unexpected(events.error());
            }
            count += *events;
        }
        return count;
    }
    const TraceInfo& info() const override { return info_; }
    std::string place(const Event& event) const override { return place_of(event.position); }

  private:
    std::string place_of(std::uint64_t line) const {
        return input_.input().name() + ":" + std::to_string(line);
    }

    tl::unexpected<Error> bad(std::string_view line, std::string what) const {
        if (!is_plain_text(line)) {
            what = "not a line of text (bytes outside of ASCII)";
        }
        return fail(Exit::data, place_of(input_.line_number()), std::move(what),
                    "expected \"TID: malloc 0xPOINTER SIZE\" and the like; correct or remove the line");
    }

    // Writes up to two events to `out` and says how many.
    Result<unsigned> parse(std::string_view line, Event& event, Event* out) {
        Scanner scanner(line);
        std::string_view tid = scanner.word();
        if (tid.empty()) {
            return 0u; // an empty line
        }
        std::uint64_t thread = 0;
        if (tid.back() != ':') {
            return bad(line, "does not begin with \"TID:\"");
        }
        tid.remove_suffix(1);
        if (const char* why = parse_decimal(tid, thread); why != nullptr || thread > UINT32_MAX) {
            return bad(line, std::string("the thread id ") + (why != nullptr ? why : "is beyond 32 bits"));
        }
        event.thread = static_cast<std::uint32_t>(thread);
        const std::string_view action = scanner.word();
        if (const char* why = parse_pointer(scanner.word(), event.pointer)) {
            return bad(line, std::string("the pointer ") + why);
        }
        std::uint64_t old = 0;
        bool is_realloc = false;
        const char* why = nullptr;
        const char* which = "the size ";
        if (action == "malloc") {
            event.op = Op::malloc;
            why = parse_decimal(scanner.word(), event.size);
        } else if (action == "free") {
            event.op = Op::free;
        } else if (action == "calloc") {
            event.op = Op::calloc;
            which = "the number of elements or their size ";
            why = parse_decimal(scanner.word(), event.extra);
            why = why != nullptr ? why : parse_decimal(scanner.word(), event.size);
        } else if (action == "realloc") {
            is_realloc = true;
            event.op = Op::realloc_to;
            which = "the old pointer or the size ";
            why = parse_pointer(scanner.word(), old);
            why = why != nullptr ? why : parse_decimal(scanner.word(), event.size);
        } else if (action == "memalign") {
            event.op = Op::memalign;
            which = "the alignment or the size ";
            why = parse_decimal(scanner.word(), event.extra);
            why = why != nullptr ? why : parse_decimal(scanner.word(), event.size);
        } else if (action == "thread_done") {
            event.op = Op::thread_end;
        } else {
            return bad(line, action.empty() ? "names no action" : "unknown action");
        }
        if (why != nullptr) {
            return bad(line, std::string(which) + why);
        }
        if (!scanner.at_end()) {
            std::uint64_t start = 0;
            std::uint64_t end = 0;
            if (parse_decimal(scanner.word(), start) != nullptr ||
                parse_decimal(scanner.word(), end) != nullptr || !scanner.at_end()) {
                return bad(line, "something else than two time stamps at the end of the line");
            }
            ++times_;
        }
        event.time = sequence_++;
        if (is_realloc) {
            out[0] = event;
            out[0].op = Op::realloc_from;
            out[0].pointer = old;
            out[0].size = 0;
            event.time = sequence_++;
            out[1] = event;
            return 2u;
        }
        out[0] = event;
        return 1u;
    }

    void finish() {
        if (times_ != 0) {
            info_.notes.push_back("the time stamps of " + std::to_string(times_) + " line(s) were not kept");
            times_ = 0;
        }
        const auto& more = input_.input().notes();
        info_.notes.insert(info_.notes.end(), more.begin(), more.end());
    }

    LineReader input_;
    TraceInfo info_;
    std::uint64_t sequence_ = 0;
    std::uint64_t times_ = 0;
};

} // namespace

// Known by a first line "DIGITS: WORD".
bool is_memory_replay(std::string_view head) {
    std::size_t at = 0;
    while (at < head.size() && std::isspace(static_cast<unsigned char>(head[at])) != 0) {
        ++at;
    }
    const std::size_t digits = at;
    while (at < head.size() && std::isdigit(static_cast<unsigned char>(head[at])) != 0) {
        ++at;
    }
    return at > digits && at + 2 < head.size() && head[at] == ':' && head[at + 1] == ' ' &&
           std::islower(static_cast<unsigned char>(head[at + 2])) != 0;
}

std::unique_ptr<EventSource> make_memory_replay(LineReader input) {
    return std::make_unique<MemoryReplay>(std::move(input));
}

} // namespace faultline::trace
