// The full screen of a build that found no ncurses.
#include "harness/monitor/terminal.hpp"

namespace faultline::monitor {

struct Terminal::State {};

Result<Terminal> Terminal::open() {
    return fail(Exit::unavailable, "monitor", "this build has no ncurses",
                "use --batch or --json, or install libncurses-dev, configure and build again");
}

std::size_t Terminal::rows() const {
    return 0;
}
std::size_t Terminal::columns() const {
    return 0;
}
void Terminal::draw(const std::vector<std::string>& /*lines*/) {}
Key Terminal::read_key() {
    return Key::quit;
}

Terminal::Terminal(std::unique_ptr<State> state) : state_(std::move(state)) {}
Terminal::Terminal(Terminal&&) noexcept = default;
Terminal::~Terminal() = default;

} // namespace faultline::monitor
