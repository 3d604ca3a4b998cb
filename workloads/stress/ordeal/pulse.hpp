// A page that a worker shares with its supervisor: signs of life, and where it stands. In a file of memory that the
// supervisor makes and the worker inherits.
#pragma once

#include <atomic>
#include <cstdint>

namespace faultline::stress {

struct Pulse {
    std::atomic<std::uint64_t> progress{0}; // steps so far
    std::atomic<std::uint64_t> episode{0};
    std::atomic<std::uint64_t> in_free_order{0}; // how the episode is being carried out
    std::atomic<std::uint64_t> live_bytes{0};    // of the heap, as the program asked
    std::atomic<std::uint64_t> own_bytes{0};     // resident, of the worker's own tables
    std::atomic<std::uint64_t> stage{0};         // what of its script a worker has done; its own numbers
    std::atomic<std::uint64_t> refusals{0};      // NULL with ENOMEM, where that may be
};

inline constexpr int pulse_fd = 200; // in the worker: beyond what it opens itself

// The worker's end. Ends the process when there is none.
Pulse& map_pulse(int fd);

} // namespace faultline::stress
