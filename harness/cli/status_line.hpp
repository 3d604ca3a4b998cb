// Progress on standard error: one line rewritten in place on a terminal, whole lines above it or elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace faultline::cli {

class StatusLine {
  public:
    explicit StatusLine(bool quiet);
    ~StatusLine(); // takes the line away
    StatusLine(const StatusLine&) = delete;
    StatusLine& operator=(const StatusLine&) = delete;

    bool on_terminal() const { return terminal_; }
    void show(const std::string& text); // cut to the terminal's width; nothing where there is no terminal
    void line(const std::string& text); // stays

    // "1:30", from how long `done` of `total` took since this was made; "?" while none is done.
    std::string left(double done, double total) const;

  private:
    void clear();

    bool quiet_;
    bool terminal_;
    std::uint64_t began_ns_;
};

// Of the terminal that `fd` is; 80 where it is none.
std::size_t terminal_columns(int fd);

} // namespace faultline::cli
