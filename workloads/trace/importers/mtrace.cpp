// What glibc's mtrace() writes (malloc/mtrace-impl.c), one step a line, with or without the caller before it:
//
//   = Start
//   @ ./prog:(main+0x1d)[0x401153] + 0x1f2a6a0 0x14          allocated
//   @ ./prog:(main+0x29)[0x401160] - 0x1f2a6a0               freed
//   @ ./prog:(main+0x33)[0x401171] < 0x1f2a6a0               reallocated: the old block
//   @ ./prog:(main+0x33)[0x401171] > 0x1f2a6c0 0x40          and the new one
//   @ ./prog:(main+0x33)[0x401171] ! 0x1f2a6c0 0x4000000     a realloc that failed
//   = End
//
// Which thread called is not in it, nor calloc and alignment.
#include "workloads/trace/importers/text.hpp"

namespace faultline::trace {
namespace {

class Mtrace final : public LineSource {
  public:
    explicit Mtrace(LineReader input)
        : LineSource(std::move(input), "glibc mtrace",
                     "expected \"@ CALLER + 0xPOINTER 0xSIZE\" and the like; correct or remove the line") {
        info_.partial = true; // it begins in the middle of a program, whose earlier blocks may be freed
    }

  private:
    Result<unsigned> parse(std::string_view line, Event* out) override {
        if (line.starts_with("@ ")) {
            const std::size_t caller_end = line.rfind("] ");
            if (caller_end == std::string_view::npos) {
                return bad("the caller has no end \"]\"");
            }
            line.remove_prefix(caller_end + 2);
        }
        Scanner scanner(line);
        const std::string_view action = scanner.word();
        if (action.empty()) {
            return 0u;
        }
        if (action == "=") {
            ended_ = scanner.word() == "End";
            return 0u;
        }
        ended_ = false;
        if (action.size() != 1 || std::string_view("+-<>!").find(action.front()) == std::string_view::npos) {
            return bad("unknown action");
        }
        if (in_realloc_ && action != ">") {
            return bad("\"<\" without a \">\" behind it");
        }
        std::uint64_t pointer = 0;
        if (const char* why = number(scanner.word(), pointer)) {
            return bad_number("the pointer", why);
        }
        std::uint64_t size = 0;
        if (action != "-" && action != "<") {
            if (const char* why = number(scanner.word(), size)) {
                return bad_number("the size", why);
            }
        }
        if (!scanner.at_end()) {
            return bad("more words than expected");
        }
        return act(action.front(), pointer, size, out);
    }

    Result<unsigned> act(char action, std::uint64_t pointer, std::uint64_t size, Event* out) {
        switch (action) {
        case '+':
            out[0] = event(Op::malloc, pointer, size);
            return 1u;
        case '-':
            out[0] = event(Op::free, pointer);
            return 1u;
        case '<':
            in_realloc_ = true;
            out[0] = event(Op::realloc_from, pointer);
            return 1u;
        case '>':
            if (!in_realloc_) {
                return bad("\">\" without a \"<\" before it");
            }
            in_realloc_ = false;
            out[0] = event(Op::realloc_to, pointer, size);
            return 1u;
        default: // a realloc that failed, and left its block as it was
            ++failed_;
            return 0u;
        }
    }

    // As printf's %p and %#lx write them: "(nil)", "0" or with 0x.
    static const char* number(std::string_view text, std::uint64_t& value) {
        if (text == "(nil)" || text == "0") {
            value = 0;
            return nullptr;
        }
        return parse_pointer(text, value);
    }

    Result<void> at_end() override {
        note("threads, calloc and alignments are not in the file: all is malloc on one thread");
        note_count(failed_, "realloc(s) that failed are left out");
        if (!ended_) {
            note("the file has no \"= End\": the program did not call muntrace(), or was killed");
        }
        return {};
    }

    bool in_realloc_ = false;
    bool ended_ = false;
    std::uint64_t failed_ = 0;
};

} // namespace

bool is_mtrace(std::string_view head) {
    return first_line(head) == "= Start";
}

std::unique_ptr<EventSource> make_mtrace(LineReader input) {
    return std::make_unique<Mtrace>(std::move(input));
}

} // namespace faultline::trace
