// Debug mode (SLABUDDY_OPTIONS=debug), the kernel's slub_debug=FPZ: sheaves, barns and size classes are bypassed. What slabs
// serve comes from named caches kmalloc-N, with red zones and poison (cache.hpp); what is larger is mapped alone, with a
// guard page behind it, and unmapped when it is freed, so that a late touch ends by SIGSEGV.
//
// A write of one byte past or before a block is found when the block is freed, resized or asked for its size, in
// sb_check(), and at exit; a write after free when the object is handed out again, in sb_check(), and at exit.
#pragma once

#include "allocators/slabuddy/zone.hpp"

#include <cstddef>

namespace sb {

// Settled by the first allocation; slow paths ask here.
inline bool debug_mode() {
    return zone_ready() && zone.debug;
}

// malloc of any size in debug mode; NULL without errno when there is no memory. The alignment is a power of two of at
// least 16. `zeroed` asks for zeros of a block too large for slabs; others are the caller's to clear.
void* debug_allocate(size_t size, size_t alignment, bool zeroed);

// The same for a block that is mapped alone, whatever its size.
void* debug_allocate_alone(size_t size, size_t alignment, bool zeroed);

// free() of what is in no slab of a size class. True: done. False: it is not from a slab either, but the red zone of a
// block that is mapped alone has been looked at.
bool debug_release(void* block);

// The bytes that were asked for, of a block in use; false when it is none of debug mode's.
bool debug_usable_size(const void* block, const char* call, size_t& bytes);

// Looks at all red zones and poison: damage is reported and ends the program. Otherwise as check_all(), of named caches
// alone, and exact while other threads run.
const char* debug_check();

} // namespace sb
