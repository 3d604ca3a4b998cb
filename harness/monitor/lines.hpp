// A frame as a line: of a table, and as JSON. What is not known is "-" in a table, and absent or null in JSON: never 0.
#pragma once

#include "harness/monitor/model.hpp"

#include <string>
#include <vector>

namespace faultline::monitor {

// As vmstat prints: two lines of heading, and a line for each frame.
std::vector<std::string> batch_heading();
std::string batch_line(const Frame& frame);

// One object on one line: {"interval_s", "processes", "threads", "values": {metric: number}, "rates_per_s":
// {metric: number}, "tables_per_s": {table: {row: [numbers]}}}, and "slabuddy" with its slabinfo and buddyinfo where a
// process shows them.
std::string json_line(const Frame& frame, const std::string& timestamp);

} // namespace faultline::monitor
