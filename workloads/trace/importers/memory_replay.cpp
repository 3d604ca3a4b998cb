// Android's memory_replay text (system/extras/memory_replay of the Android Open Source Project), one call a
// line:
//
//   186: malloc 0xb6027400 1024          186: memalign 0xb6027400 64 1024     (pointer, alignment, size)
//   186: calloc 0xb6027400 4 256         186: realloc 0xb6027800 0xb6027400 2048   (new, old, size)
//   186: free 0xb6027400                 186: thread_done 0x0
//
// each optionally followed by a start and an end time in ns, which are checked and not kept: the order of the
// lines is the order of the calls.
#include "workloads/trace/importers/text.hpp"

#include <cctype>

namespace faultline::trace {
namespace {

class MemoryReplay final : public LineSource {
  public:
    explicit MemoryReplay(LineReader input)
        : LineSource(std::move(input), "android memory_replay",
                     "expected \"TID: malloc 0xPOINTER SIZE\" and the like; correct or remove the line") {}

  private:
    Result<unsigned> parse(std::string_view line, Event* out) override {
        Scanner scanner(line);
        std::string_view tid = scanner.word();
        if (tid.empty()) {
            return 0u; // an empty line
        }
        std::uint64_t thread = 0;
        if (tid.back() != ':') {
            return bad("does not begin with \"TID:\"");
        }
        tid.remove_suffix(1);
        if (const char* why = parse_decimal(tid, thread); why != nullptr || thread > UINT32_MAX) {
            return bad_number("the thread id", why != nullptr ? why : "is beyond 32 bits");
        }
        const std::string_view action = scanner.word();
        std::uint64_t pointer = 0;
        if (const char* why = parse_pointer(scanner.word(), pointer)) {
            return bad_number("the pointer", why);
        }
        Result<unsigned> events = act(action, pointer, scanner, out);
        if (!events) {
            return events;
        }
        if (!scanner.at_end()) {
            std::uint64_t start = 0;
            std::uint64_t end = 0;
            if (parse_decimal(scanner.word(), start) != nullptr ||
                parse_decimal(scanner.word(), end) != nullptr || !scanner.at_end()) {
                return bad("something else than two time stamps at the end of the line");
            }
            ++times_;
        }
        for (unsigned i = 0; i < *events; ++i) {
            out[i].thread = static_cast<std::uint32_t>(thread);
        }
        return events;
    }

    // What stands between the pointer and the times.
    Result<unsigned> act(std::string_view action, std::uint64_t pointer, Scanner& scanner, Event* out) {
        std::uint64_t first = 0;
        std::uint64_t size = 0;
        if (action == "malloc") {
            if (const char* why = parse_decimal(scanner.word(), size)) {
                return bad_number("the size", why);
            }
            out[0] = event(Op::malloc, pointer, size);
        } else if (action == "free") {
            out[0] = event(Op::free, pointer);
        } else if (action == "calloc") {
            const char* why = parse_decimal(scanner.word(), first);
            why = why != nullptr ? why : parse_decimal(scanner.word(), size);
            if (why != nullptr) {
                return bad_number("the number of elements or their size", why);
            }
            out[0] = event(Op::calloc, pointer, size, first);
        } else if (action == "realloc") {
            const char* why = parse_pointer(scanner.word(), first);
            why = why != nullptr ? why : parse_decimal(scanner.word(), size);
            if (why != nullptr) {
                return bad_number("the old pointer or the size", why);
            }
            out[0] = event(Op::realloc_from, first);
            out[1] = event(Op::realloc_to, pointer, size);
            return 2u;
        } else if (action == "memalign") {
            const char* why = parse_decimal(scanner.word(), first);
            why = why != nullptr ? why : parse_decimal(scanner.word(), size);
            if (why != nullptr) {
                return bad_number("the alignment or the size", why);
            }
            out[0] = event(Op::memalign, pointer, size, first);
        } else if (action == "thread_done") {
            out[0] = event(Op::thread_end, pointer);
        } else {
            return bad(action.empty() ? "names no action" : "unknown action");
        }
        return 1u;
    }

    Result<void> at_end() override {
        if (times_ != 0) {
            note("the time stamps of " + std::to_string(times_) + " line(s) were not kept");
        }
        return {};
    }

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
