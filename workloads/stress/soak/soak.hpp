// The worker of a soak: eras of a fixed number of calls by several threads, each era with sizes of its own. At the end of
// an era nine tenths of the blocks are given back, and what is resident is set against what is alive; the tenth that
// survives lives on for a whole cycle of eras. The same calls on every allocator, so era n of one can be compared with
// era n of another.
//
// Two things are watched for a trend, each accused only when it goes on over a second period in which free memory is
// given back before each look: what is resident when an era's blocks are given back (a leak), and what is resident over
// what is alive when they are all there, over whole cycles (fragmentation).
//
// What is said: figures `era-N-full-percent` and `era-N-survivors-percent`, resident memory over live bytes before and
// after the blocks are given back, for the first cycles and then ever less often; at the end the trend.
#pragma once

#include "workloads/stress/heap_calls.hpp"
#include "workloads/stress/ordeal/options.hpp"
#include "workloads/stress/ordeal/pulse.hpp"
#include "workloads/stress/random/resident.hpp"

namespace faultline::stress {

// `held_bytes`: instead of what is resident; may be null. False when it was too short to look for a leak.
bool run_soak(const HeapCalls& heap, const OrdealOptions& options, Pulse& pulse,
              HeldBytes held_bytes = nullptr);

} // namespace faultline::stress
