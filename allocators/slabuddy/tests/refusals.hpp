// System calls that the layers make, refused one after the other. Programs that link refusals.cpp are linked with --wrap
// for its calls (slabuddy_refuse_calls in CMakeLists.txt). Calls are counted by all threads; the rest is set by one
// thread while no other runs.
#pragma once

#include <atomic>

namespace refusals {

extern std::atomic<long> calls; // made so far, while it was time
extern long first;              // the call that is refused, from 1; 0: none
extern bool the_rest;           // and all that follow
extern bool (*is_time)();       // whether calls count now; null: always

} // namespace refusals
