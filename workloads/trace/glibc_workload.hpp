// The "workload" files of glibc's trace utilities (trace2wl, trace_run): bytes of operations, numbers with seven
// bits a byte, the highest first, and the top bit set in all but the last. The file begins with the main part,
// which ends with `done` and tells where each thread's part begins; those end with `done` too. Threads wait for
// each other through numbered syncs. Pointers are numbers of slots, 0 is NULL. Times are not in it.
#pragma once

#include <cstdint>

namespace faultline::trace {

enum class Code : std::uint8_t {
    nothing = 0,
    done = 1,
    malloc = 2,        // slot, size
    calloc = 3,        // slot, size of all elements
    realloc = 4,       // new slot, old slot, size
    free = 5,          // slot
    sync_signal = 6,   // id: what went before has happened
    sync_wait = 7,     // id: for that
    pointer_count = 8, // slots
    sync_count = 9,
    thread_count = 10,
    start_thread = 11, // offset in the file
    memalign = 12,     // slot, alignment, size
};

} // namespace faultline::trace
