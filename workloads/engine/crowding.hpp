// How crowded the processors are: a time limit that tells what hangs from what is slow has to know, since on a machine
// that does thirty other things all of it takes as much longer.
#pragma once

#include <string_view>

namespace faultline::engine {

// Threads that could run for each processor of this process, from 1 to most_crowding. Needs no memory of the heap; about
// ten microseconds. 1 where /proc/loadavg cannot be read.
double crowding();
// So that threads that spin for ever do not put off their own end for ever.
inline constexpr double most_crowding = 4;

// Of a text as in /proc/loadavg (proc(5)): the number before the slash.
double crowding_of(std::string_view loadavg, unsigned processors);

} // namespace faultline::engine
