// The traces of CMU's malloc lab (.rep), as its driver reads them. Four numbers, a line each:
//
//   20000     the suggested heap size, or the trace's weight in newer ones
//   2         number of ids
//   4         number of operations
//   1         the weight, or what newer ones ignore
//
// then `a ID BYTES`, `r ID BYTES` (realloc, of an id that may not be live yet) and `f ID` (-1 is NULL), one a
// line. Ids name blocks; there are no threads, alignments or times.
#include "workloads/trace/importers/text.hpp"

#include <unordered_set>

namespace faultline::trace {
namespace {

constexpr unsigned header_lines = 4;

class Malloclab final : public LineSource {
  public:
    explicit Malloclab(LineReader input)
        : LineSource(std::move(input), "malloclab",
                     "expected \"a ID BYTES\", \"r ID BYTES\" or \"f ID\" behind four lines of numbers") {}

  private:
    Result<unsigned> parse(std::string_view line, Event* out) override {
        Scanner scanner(line);
        const std::string_view first = scanner.word();
        if (first.empty()) {
            return 0u; // an empty line
        }
        Result<unsigned> events = seen_ < header_lines ? header(first) : operation(first, scanner, out);
        if (events && !scanner.at_end()) {
            return bad("more words than expected");
        }
        return events;
    }

    Result<unsigned> header(std::string_view number) {
        if (const char* why = parse_decimal(number, header_[seen_])) {
            return bad_number("the number", why);
        }
        ++seen_;
        return 0u;
    }

    Result<unsigned> operation(std::string_view action, Scanner& scanner, Event* out) {
        if (action != "a" && action != "r" && action != "f") {
            return bad("unknown action");
        }
        if (++operations_ > header_[2]) {
            return bad("more operations than the " + std::to_string(header_[2]) + " of the third line");
        }
        const std::string_view name = scanner.word();
        if (action == "f" && name == "-1") {
            out[0] = event(Op::free, 0);
            return 1u;
        }
        std::uint64_t id = 0;
        if (const char* why = parse_decimal(name, id)) {
            return bad_number("the id", why);
        }
        if (id >= header_[1]) {
            return bad("the id is not below the " + std::to_string(header_[1]) + " of the second line");
        }
        const std::uint64_t pointer = id + 1; // 0 is NULL
        if (action == "f") {
            out[0] = event(Op::free, pointer);
            live_.erase(id);
            return 1u;
        }
        std::uint64_t bytes = 0;
        if (const char* why = parse_decimal(scanner.word(), bytes)) {
            return bad_number("the size", why);
        }
        if (action == "a") {
            out[0] = event(Op::malloc, pointer, bytes);
            live_.insert(id);
            return 1u;
        }
        const bool was_live = !live_.insert(id).second;
        out[0] = event(Op::realloc_from, was_live ? pointer : 0);
        out[1] = event(Op::realloc_to, pointer, bytes);
        return 2u;
    }

    Result<void> at_end() override {
        if (seen_ < header_lines || operations_ != header_[2]) {
            return fail(Exit::data, file(),
                        "breaks off: " + std::to_string(operations_) + " of " + std::to_string(header_[2]) +
                            " operations",
                        "the file is cut short: fetch it again");
        }
        note("heap size and weight were not kept");
        return {};
    }

    std::uint64_t header_[header_lines] = {};
    unsigned seen_ = 0;
    std::uint64_t operations_ = 0;
    std::unordered_set<std::uint64_t> live_; // ids
};

} // namespace

// Known by four lines of one number each and an operation.
bool is_malloclab(std::string_view head) {
    for (unsigned line = 0; line <= header_lines; ++line) {
        Scanner scanner(first_line(head));
        const std::string_view word = scanner.word();
        std::uint64_t number = 0;
        if (line < header_lines && (parse_decimal(word, number) != nullptr || !scanner.at_end())) {
            return false;
        }
        if (line == header_lines) {
            return word == "a" || word == "r" || word == "f";
        }
        const std::size_t newline = head.find('\n');
        head.remove_prefix(newline == std::string_view::npos ? head.size() : newline + 1);
    }
    return false;
}

std::unique_ptr<EventSource> make_malloclab(LineReader input) {
    return std::make_unique<Malloclab>(std::move(input));
}

} // namespace faultline::trace
