/* Answers malloc and free only: calloc, realloc and memalign stay glibc's, on another heap. */
#include <stddef.h>

void* __libc_malloc(size_t size);
void __libc_free(void* block);

void* malloc(size_t size) {
    return __libc_malloc(size);
}
void free(void* block) {
    __libc_free(block);
}
