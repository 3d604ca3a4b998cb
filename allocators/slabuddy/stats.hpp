// Figures and their texts, in the layout the kernel gives its own (/proc/slabinfo, buddyinfo, vmallocinfo).
// Put together in a fixed buffer and handed out line by line: nothing here allocates.
#pragma once

#include <cstddef>

namespace sb {

// Receives one piece of text; pieces end at line ends.
using TextSink = void (*)(void* context, const char* text, size_t bytes);

void slabinfo_write(TextSink sink, void* context);
void buddyinfo_write(TextSink sink, void* context);
void vmallocinfo_write(TextSink sink, void* context);

struct Totals {
    size_t committed_bytes; // zone pages handed out by the system
    size_t live_bytes;      // in the program's hands, or in a thread's sheaf
    size_t area_bytes;      // live areas
    size_t areas;
    size_t cached_area_bytes;
    size_t free_bytes; // in the zone, not in the program's hands
    size_t free_blocks;
    size_t dirty_bytes; // of the free ones in the buddy
    size_t metadata_bytes;
};
Totals totals();

// All of it to standard error.
void stats_write_all();

} // namespace sb
