// heaptrack's files of format version 1 to 3 (KDE's heaptrack 1.0 to 1.5), all numbers hexadecimal. Raw ones, as
// `heaptrack --raw` writes them:
//
//   v 10400 3           versions of heaptrack and of the format
//   + 18 2f 55d0c0      allocated: size, backtrace, pointer
//   - 55d0c0            freed
//
// and interpreted ones, the usual *.zst and *.gz, where blocks of one size from one place share a number:
//
//   a 18 2f             the next number (0, 1, ...) stands for this size and backtrace
//   + 0                 one more of it
//   - 0                 one less
//
// Which of its like an interpreted file frees is not told: the one allocated last is taken. A realloc is a free
// and an allocation in both. Of the other lines (modules, backtraces, strings, times, RSS) nothing is kept.
#include "workloads/trace/importers/text.hpp"

namespace faultline::trace {
namespace {

constexpr std::uint64_t newest_format = 3;

// Lines of other kinds: program, command, system, strings, modules, instructions, backtraces, time, RSS,
// attached, suppression, comment.
constexpr std::string_view other_kinds = "xXIsmitcRAS#";

class Heaptrack final : public LineSource {
  public:
    explicit Heaptrack(LineReader input)
        : LineSource(std::move(input), "heaptrack",
                     "expected \"+ SIZE BACKTRACE POINTER\", \"- POINTER\" and the like, in hexadecimal") {
        info_.partial = true; // attached to a running program it begins in the middle
    }

  private:
    Result<unsigned> parse(std::string_view line, Event* out) override {
        Scanner scanner(line);
        const std::string_view kind = scanner.word();
        if (kind.empty()) {
            return 0u;
        }
        if (kind.size() != 1) {
            return bad("unknown kind of line");
        }
        switch (kind.front()) {
        case 'v':
            return version(scanner);
        case 'a':
            return define(scanner);
        case '+':
            return allocate(scanner, out);
        case '-':
            return release(scanner, out);
        default:
            if (other_kinds.find(kind.front()) == std::string_view::npos) {
                return bad("unknown kind of line");
            }
            return 0u;
        }
    }

    Result<unsigned> version(Scanner& scanner) {
        std::uint64_t program = 0;
        std::uint64_t format = 0;
        const char* why = parse_hexadecimal(scanner.word(), program);
        why = why != nullptr ? why : parse_hexadecimal(scanner.word(), format);
        if (why != nullptr) {
            return bad_number("the version", why);
        }
        if (format > newest_format) {
            return fail(Exit::data, file(), "heaptrack's format " + std::to_string(format) + " is not known",
                        "record with heaptrack 1.5 or older");
        }
        return 0u;
    }

    Result<unsigned> define(Scanner& scanner) {
        Kind kind;
        if (const char* why = parse_hexadecimal(scanner.word(), kind.size)) {
            return bad_number("the size", why);
        }
        kinds_.push_back(std::move(kind));
        return 0u;
    }

    Result<unsigned> allocate(Scanner& scanner, Event* out) {
        std::uint64_t first = 0;
        if (const char* why = parse_hexadecimal(scanner.word(), first)) {
            return bad_number("the size", why);
        }
        if (scanner.at_end()) { // of an interpreted file
            if (first >= kinds_.size()) {
                return bad("an allocation that no \"a\" line defined");
            }
            kinds_[first].live.push_back(++last_id_);
            out[0] = event(Op::malloc, last_id_, kinds_[first].size);
            return 1u;
        }
        std::uint64_t backtrace = 0;
        std::uint64_t pointer = 0;
        const char* why = parse_hexadecimal(scanner.word(), backtrace);
        why = why != nullptr ? why : parse_hexadecimal(scanner.word(), pointer);
        if (why != nullptr) {
            return bad_number("the backtrace or the pointer", why);
        }
        out[0] = event(Op::malloc, pointer, first);
        return 1u;
    }

    Result<unsigned> release(Scanner& scanner, Event* out) {
        std::uint64_t which = 0;
        if (const char* why = parse_hexadecimal(scanner.word(), which)) {
            return bad_number("the pointer", why);
        }
        if (kinds_.empty()) { // of a raw file
            out[0] = event(Op::free, which);
            return 1u;
        }
        if (which >= kinds_.size() || kinds_[which].live.empty()) {
            return bad("frees a block of which none is live");
        }
        out[0] = event(Op::free, kinds_[which].live.back());
        kinds_[which].live.pop_back();
        return 1u;
    }

    Result<void> at_end() override {
        note("threads, times, calloc, realloc and alignments are not in the file: all is malloc and free on "
             "one "
             "thread");
        if (!kinds_.empty()) {
            note("the file does not tell blocks of one size and place apart: the last of them was taken as "
                 "freed; record with `heaptrack --raw` for all");
        }
        return {};
    }

    struct Kind {
        std::uint64_t size = 0;
        std::vector<std::uint64_t> live; // ids, the last one allocated last
    };
    std::vector<Kind> kinds_; // of an interpreted file
    std::uint64_t last_id_ = 0;
};

} // namespace

bool is_heaptrack(std::string_view head) {
    Scanner scanner(first_line(head));
    std::uint64_t number = 0;
    return scanner.word() == "v" && parse_hexadecimal(scanner.word(), number) == nullptr &&
           parse_hexadecimal(scanner.word(), number) == nullptr && scanner.at_end();
}

std::unique_ptr<EventSource> make_heaptrack(LineReader input) {
    return std::make_unique<Heaptrack>(std::move(input));
}

} // namespace faultline::trace
