// An allocator to try the gate and the night on, in place of yours: glibc's, with a delay that can be turned up.
#include <stddef.h>

#ifndef DELAY
#define DELAY 1
#endif

void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* block, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* block);

void* malloc(size_t size) {
    for (volatile int turn = 0; turn < DELAY; turn++) {
    }
    return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
    return __libc_calloc(count, size);
}
void* realloc(void* block, size_t size) {
    return __libc_realloc(block, size);
}
void* memalign(size_t alignment, size_t size) {
    return __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
    return __libc_memalign(alignment, size);
}
int posix_memalign(void** out, size_t alignment, size_t size) {
    *out = __libc_memalign(alignment, size);
    return *out == NULL ? 12 : 0;
}
void free(void* block) {
    __libc_free(block);
}
