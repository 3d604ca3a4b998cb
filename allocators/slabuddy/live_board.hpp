// What a process under SLABUDDY_OPTIONS=live shows of itself to whoever may read its memory, as process_vm_readv(2) does:
// a board in a mapping of its own, which /proc/PID/maps names. It is the process's alone; a child of fork has a copy.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sb {

inline constexpr char live_mapping_name[] = "slabuddy-live"; // "/memfd:slabuddy-live (deleted)" in maps
inline constexpr char live_magic[8] = {'s', 'b', 'l', 'i', 'v', 'e', '1', '\n'};

struct LiveBoard {
    char magic[sizeof live_magic];
    uint32_t
        version; // odd while the rest is written: who finds it so, or finds another one behind, reads again
    uint32_t page_bytes;
    uint64_t at_ms; // of CLOCK_MONOTONIC_COARSE, when the text was written; 0: not yet
    uint32_t text_bytes;
    char text[32 * 1024 -
              28]; // slabinfo, then buddyinfo; whole lines, the last ones left out where it is too small
};
static_assert(offsetof(LiveBoard, text) == 28 && sizeof(LiveBoard) == 32 * 1024);

} // namespace sb
