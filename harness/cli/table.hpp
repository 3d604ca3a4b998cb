// A table of text for the terminal: columns as wide as their widest cell, the first left-aligned, the rest as
// told.
#pragma once

#include <string>
#include <vector>

namespace faultline::cli {

class Table {
  public:
    enum class Align { left, right };

    explicit Table(std::vector<std::string> header, Align align_rest = Align::right)
        : rows_{std::move(header)}, align_rest_(align_rest) {}
    void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    std::string text() const; // lines end in \n; no trailing blanks

  private:
    std::vector<std::vector<std::string>> rows_;
    Align align_rest_;
};

// Columns a terminal needs for UTF-8 text of single-width characters, colours left out.
std::size_t display_width(const std::string& text);

// "12.3 KiB", "1.50 GiB"; three significant digits.
std::string human_bytes(double bytes);
// "1 round", "3 rounds"
std::string counted(std::size_t count, const std::string& noun);
// "812 ns", "1.23 ms", "4.56 s"
std::string human_ns(double nanoseconds);

} // namespace faultline::cli
