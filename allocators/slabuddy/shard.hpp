// Shards: barns and the lists of slabs exist once for each processor, so that threads that run at once do not
// share slabs, whose neighbouring objects would share cache lines, nor wait for each other's locks. A shard is
// a habit and not an owner: any thread may free to any, and one that starves takes from the others.
#pragma once

#include "allocators/slabuddy/lock.hpp"

namespace sb {

inline constexpr unsigned most_shards = 32; // processors beyond share

// The shard the calling thread should use: that of its processor, or 0 while only one thread has a cache, for
// then moving to another processor would only spread its objects. No lock of this allocator may be held.
unsigned shard_of_this_cpu();

// Shards used so far are 0 to shard_count() - 1. Grows only, and not while shard_lock() is held: that is how fork()
// knows that it has all locks.
unsigned shard_count();
Lock& shard_lock();

// Tells how many threads have a cache.
void shard_threads_changed(int by);

} // namespace sb
