#include "harness/monitor/terminal.hpp"

#include <clocale>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#define NCURSES_NOMACROS 1 // functions, not macros of their names
#include <ncurses.h>
#include <termios.h>
#include <unistd.h>

namespace faultline::monitor {
namespace {

// What a signal handler needs to put the terminal back: globals, and nothing that allocates.
termios before;
std::string leaving; // not changed while the handlers are set

constexpr int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGHUP, SIGQUIT};

// Of terminfo: null for none, -1 for what is no string.
void remember(const char* capability) {
    if (capability != nullptr && reinterpret_cast<std::intptr_t>(capability) != -1) {
        leaving += capability;
    }
}

void put_back_and_die(int number) {
    [[maybe_unused]] const ssize_t n = ::write(STDOUT_FILENO, leaving.data(), leaving.size());
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before);
    ::raise(number); // SA_RESETHAND: this time it is deadly
}

} // namespace

struct Terminal::State {
    SCREEN* screen = nullptr;
    struct sigaction old[std::size(deadly)] = {};

    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        if (screen != nullptr) {
            ::endwin();
            ::delscreen(screen);
            for (std::size_t i = 0; i < std::size(deadly); ++i) {
                ::sigaction(deadly[i], &old[i], nullptr);
            }
        }
    }
};

Result<Terminal> Terminal::open() {
    const char* type = std::getenv("TERM");
    if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0 ||
        ::tcgetattr(STDIN_FILENO, &before) != 0) {
        return fail(Exit::unavailable, "monitor", "standard input and output are no terminal",
                    "use --batch or --json");
    }
    std::setlocale(LC_CTYPE, "");
    auto state = std::make_unique<State>();
    state->screen = ::newterm(type, stdout, stdin);
    if (state->screen == nullptr) {
        return fail(Exit::unavailable, "monitor", "this terminal is not known", "set TERM, or use --batch");
    }
    leaving.clear();
    remember(::tigetstr("sgr0"));
    remember(::tigetstr("rmcup"));
    remember(::tigetstr("cnorm"));
    struct sigaction action {};
    action.sa_handler = put_back_and_die;
    action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_NODEFER;
    for (std::size_t i = 0; i < std::size(deadly); ++i) {
        ::sigaction(deadly[i], &action, &state->old[i]);
    }
    ::cbreak();
    ::noecho();
    ::curs_set(0);
    ::keypad(stdscr, TRUE);
    ::nodelay(stdscr, TRUE);
    return Terminal(std::move(state));
}

std::size_t Terminal::rows() const {
    return static_cast<std::size_t>(LINES);
}
std::size_t Terminal::columns() const {
    return static_cast<std::size_t>(COLS);
}

void Terminal::draw(const std::vector<std::string>& lines) {
    ::erase();
    for (std::size_t row = 0; row < lines.size(); ++row) {
        const bool bold = row == 0 || row + 1 == lines.size();
        if (bold) {
            ::attron(A_BOLD);
        }
        ::mvaddnstr(static_cast<int>(row), 0, lines[row].data(), static_cast<int>(lines[row].size()));
        if (bold) {
            ::attroff(A_BOLD);
        }
    }
    ::refresh();
}

Key Terminal::read_key() {
    for (;;) {
        switch (const int key = ::getch()) {
        case ERR:
            return Key::none;
        case 'q':
        case 'Q':
            return Key::quit;
        case 'p':
        case ' ':
            return Key::pause;
        case 'h':
        case '?':
            return Key::help;
        case '+':
            return Key::faster;
        case '-':
            return Key::slower;
        case KEY_UP:
        case 'k':
            return Key::up;
        case KEY_DOWN:
        case 'j':
            return Key::down;
        case '1':
        case '2':
        case '3':
        case '4':
        case '5':
            return static_cast<Key>(static_cast<int>(Key::view1) + key - '1');
        default: // KEY_RESIZE too: LINES and COLS are new by now
            break;
        }
    }
}

Terminal::Terminal(std::unique_ptr<State> state) : state_(std::move(state)) {}
Terminal::Terminal(Terminal&&) noexcept = default;
Terminal::~Terminal() = default;

} // namespace faultline::monitor
