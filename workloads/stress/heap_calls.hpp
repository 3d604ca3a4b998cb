// The heap that a script or a soak uses: the process's own malloc family, or layers of an allocator that are linked.
#pragma once

#include <cstddef>

namespace faultline::stress {

// By which function a block comes.
enum class How { malloc, calloc, aligned, posix_aligned, cxx };

struct HeapCalls {
    void* (*allocate)(How how, std::size_t size,
                      std::size_t alignment);       // NULL with errno, never an exception
    void* (*resize)(void* block, std::size_t size); // as realloc
    void (*release)(void* block, How how);          // `how` it came
    void (*trim)();
};

// Those of the process.
extern const HeapCalls process_heap;

} // namespace faultline::stress
