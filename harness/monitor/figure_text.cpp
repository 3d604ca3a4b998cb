#include "harness/monitor/figure_text.hpp"

#include <cmath>
#include <fmt/format.h>
#include <iterator>

namespace faultline::monitor {

std::string short_number(double number, double step) {
    const char* units[] = {"", "k", "M", "G", "T", "P"};
    std::size_t unit = 0;
    while (number >= step * 0.9995 && unit + 1 < std::size(units)) {
        number /= step;
        ++unit;
    }
    const bool whole = number >= 99.95 || number == std::floor(number);
    return fmt::format("{:.{}f}{}", number, whole ? 0 : 1, units[unit]);
}

std::string per_second(const Frame& frame, std::string_view metric) {
    const auto rate = frame.rate(metric);
    return rate ? short_number(*rate) : "-";
}

std::string bytes(const Frame& frame, std::string_view metric) {
    const auto value = frame.value(metric);
    return value ? short_number(static_cast<double>(*value), 1024) : "-";
}

std::string share(const Frame& frame, std::string_view metric) {
    const auto rate = frame.rate(metric);
    return rate ? fmt::format("{:.1f} %", *rate / 1e9 * 100) : "-";
}

} // namespace faultline::monitor
