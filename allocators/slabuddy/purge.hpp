// Giving memory back: what has been free and dirty for `purge_ms` goes to the system by MADV_DONTNEED and is
// known to be zero from then on. There is no thread for it: slow paths look at a coarse clock, so a program
// that allocates nothing also gives nothing back until it calls malloc_trim().
#pragma once

#include <cstddef>

namespace sb {

// Called where work is done anyway (a flush to slabs, the free of a large block); cheap when nothing is due.
// No locks of this allocator may be held.
void purge_poll();

// Called where the heap may have grown: looks for memory that lies idle when it has grown enough, and gives back what is too
// much of it. No locks of this allocator may be held.
void purge_on_growth();

// Everything that is free goes back now, with the calling thread's own sheaves. Returns bytes.
size_t purge_all();

} // namespace sb
