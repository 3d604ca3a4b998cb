#include "harness/cli/table.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace faultline::cli {
namespace {

// Three significant digits; `whole` where the first unit cannot be divided.
std::string scaled(double value, double step, bool whole, const std::vector<const char*>& units) {
    std::size_t unit = 0;
    while (value >= step && unit + 1 < units.size()) {
        value /= step;
        ++unit;
    }
    const int decimals = (whole && unit == 0) || value >= 100 ? 0 : value >= 10 ? 1 : 2;
    return fmt::format("{:.{}f} {}", value, decimals, units[unit]);
}

} // namespace

std::size_t display_width(const std::string& text) {
    std::size_t width = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\x1b') { // a colour: "ESC [ ... m"
            i = std::min(text.find('m', i), text.size());
        } else {
            width += (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80 ? 1 : 0;
        }
    }
    return width;
}

std::string Table::text() const {
    std::vector<std::size_t> widths;
    for (const auto& row : rows_) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], display_width(row[i]));
        }
    }
    std::string out;
    for (const auto& row : rows_) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string padding(widths[i] - display_width(row[i]), ' ');
            const bool right = i > 0 && align_rest_ == Align::right;
            line += (i > 0 ? "  " : "") + (right ? padding + row[i] : row[i] + padding);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    }
    return out;
}

std::string human_bytes(double bytes) {
    return scaled(bytes, 1024, true, {"B", "KiB", "MiB", "GiB", "TiB"});
}

std::string counted(std::size_t count, const std::string& noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string human_ns(double nanoseconds) {
    return scaled(nanoseconds, 1000, false, {"ns", "µs", "ms", "s"});
}

} // namespace faultline::cli
