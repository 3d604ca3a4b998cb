// The full screen of the monitor, by ncurses. The terminal is put back when this object goes, and when the process
// dies of a fault of its own.
#pragma once

#include "base/error.hpp"

#include <memory>
#include <string>
#include <vector>

namespace faultline::monitor {

enum class Key { none, quit, pause, help, faster, slower, up, down, view1, view2, view3, view4, view5 };

class Terminal {
  public:
    // Fails with unavailable: standard input or output is no terminal, TERM is unknown, or the build has no ncurses.
    static Result<Terminal> open();

    std::size_t rows() const;
    std::size_t columns() const;
    void draw(const std::vector<std::string>& lines);
    Key read_key(); // does not wait

    Terminal(Terminal&&) noexcept;
    Terminal& operator=(Terminal&&) = delete;
    ~Terminal();

  private:
    struct State;
    explicit Terminal(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace faultline::monitor
