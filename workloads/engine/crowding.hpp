// How crowded the processors are: a time limit that tells what hangs from what is slow has to know, since on a machine
// that does thirty other things all of it takes as much longer.
#pragma once

#include <cstdint>
#include <string_view>

namespace faultline::engine {

// Threads that could run for each processor of this process, from 1 to most_crowding. Needs no memory of the heap; about
// ten microseconds. 1 where /proc/loadavg cannot be read.
double crowding();
// So that threads that spin for ever do not put off their own end for ever.
inline constexpr double most_crowding = 4;

// Nanoseconds that this thread was ready to run and not let, since it began: nearly all of its time where it runs only
// when nobody else does (SCHED_IDLE) and somebody does. 0 where the kernel does not count them.
std::uint64_t waited_ns();

// Of a text as in /proc/PID/schedstat (Documentation/scheduler/sched-stats.rst): the second number.
std::uint64_t waited_ns_of(std::string_view schedstat);

// Of a text as in /proc/loadavg (proc(5)): the number before the slash.
double crowding_of(std::string_view loadavg, unsigned processors);

} // namespace faultline::engine
