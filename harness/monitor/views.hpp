// A frame as a screen of any size. Nothing here knows of a terminal. What is not known is "-": never 0.
#pragma once

#include "harness/monitor/model.hpp"

#include <string>
#include <vector>

namespace faultline::monitor {

enum class View { overview, faults, pages, slab, pressure };
inline constexpr View all_views[] = {View::overview, View::faults, View::pages, View::slab, View::pressure};
std::string name_of(View view);

// What stands around the figures.
struct Surroundings {
    std::string title; // of the process
    long pid = 0;
    std::string allocator;            // "" where none is known
    std::vector<std::string> missing; // see Source
    double interval_s = 1;
    bool paused = false;
    std::string output; // the last line that the command printed
};

// Exactly `rows` lines of at most `columns` characters, ASCII: a heading of two lines, the view's figures in as many
// columns as fit side by side, a line of keys at the foot. `scroll` lines of the figures are left out at the top;
// where some do not fit at the bottom, the foot says how many.
std::vector<std::string> screen(const Frame& frame, View view, const Surroundings& around, std::size_t rows,
                                std::size_t columns, std::size_t scroll);
std::vector<std::string> help_screen(const Surroundings& around, std::size_t rows, std::size_t columns);

} // namespace faultline::monitor
