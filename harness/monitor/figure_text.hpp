// Figures of a frame in few characters; what is not known is "-".
#pragma once

#include "harness/monitor/model.hpp"

#include <string>
#include <string_view>

namespace faultline::monitor {

// In at most six characters: 0, 0.5, 12.3, 999, 1.2k, 12.3k, 123k, 1.2M; `step` is 1000 or 1024.
std::string short_number(double number, double step = 1000);

using Shown = std::string (*)(const Frame&, std::string_view metric);
std::string per_second(const Frame& frame, std::string_view metric);
std::string bytes(const Frame& frame, std::string_view metric);
std::string share(const Frame& frame,
                  std::string_view metric); // of a counter of nanoseconds: how much of the time

} // namespace faultline::monitor
