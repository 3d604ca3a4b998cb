// The part of libfaultline-record.so behind the interposed functions: events into per-thread buffers, buffers
// into blocks of a native trace. Lives inside the program that is recorded, so it uses libc alone, takes
// memory from mmap only, and keeps errno.
//
// Each thread appends to its own buffer without a lock. A buffer is written out when it is full, when its
// first event is flush_after_ns old, and when its thread or the process ends or gives way by exec. What a
// kill loses is what had not been written by then; whole blocks stay readable.
#pragma once

#include "workloads/trace/event.hpp"

#include <cstddef>

namespace faultline::trace::recorder {

std::uint64_t now(); // ns since the recording began

// Appends an event of the calling thread. Times of one thread must not go back.
void append(Op op, std::uint64_t time, const void* pointer, std::size_t size, std::size_t extra);

// Before an exec, and at the end of the process: writes out all threads' buffers and an end block. Nothing in
// a child of vfork, whose memory is its parent's. Recording goes on, should the exec fail.
void write_out_all();

} // namespace faultline::trace::recorder
