// The heap: which layer answers a call. The fast paths are inline, for symbols.cpp; everything that is not a
// small block goes out of line. All calls are thread-safe; a call that fails sets errno to ENOMEM and answers
// NULL.
#pragma once

#include "allocators/slabuddy/sheaf.hpp"

#include <cstddef>

namespace sb {

void* allocate_large(size_t size, size_t alignment, bool zeroed); // sets errno
void* no_memory();                                                // NULL, with errno
void* allocate_aligned(size_t alignment, size_t size);
void* allocate_zeroed(size_t size);
void* reallocate(void* block, size_t size);
size_t usable_size(const void* block);

// free() of what is in no slab: NULL, large, or a mistake, which is reported.
void release_other(void* block);

[[gnu::always_inline]] inline void* allocate(size_t size) {
    if (__builtin_expect(size > most_slab_object_bytes, 0)) {
        return allocate_large(size, 16, false);
    }
    return sheaf_pop_size(size);
}

[[gnu::always_inline]] inline void release(void* block) {
    sheaf_push(block);
}

// Set-up at load: options, the thread-exit hook, fork handlers. `environment` as the loader passes it, or
// NULL.
void heap_start(char** environment);

// At exit: the checks and figures that options ask for.
void heap_end();

} // namespace sb
