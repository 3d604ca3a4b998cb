// A frame as lines of text: for a screen of any size, as a line of a table, and as JSON. Nothing here knows of a
// terminal. What is not known is "-" on a screen and in a table, and absent or null in JSON: never 0.
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

// As vmstat prints: two lines of heading, and a line for each frame.
std::vector<std::string> batch_heading();
std::string batch_line(const Frame& frame);

// One object on one line: {"interval_s", "processes", "threads", "values": {metric: number}, "rates_per_s":
// {metric: number}, "tables_per_s": {table: {row: [numbers]}}}, and "slabuddy" with its slabinfo and buddyinfo where a
// process shows them.
std::string json_line(const Frame& frame, const std::string& timestamp);

} // namespace faultline::monitor
