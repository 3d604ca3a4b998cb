// Small libraries that are wrong in one way each, chosen by a macro: what the registry must refuse or
// survive.
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(WRONG_CRASHES) || defined(WRONG_HANGS) || defined(WRONG_PRINTS) || defined(WRONG_MIXES_HEAPS)
static char heap[1 << 24];
static size_t used;
void* malloc(size_t size) {
    const size_t at = used;
    used += (size + 31) & ~(size_t)15;
    return used <= sizeof heap ? heap + at : NULL;
}
void free(void* block) {
    (void)block;
}
#endif

#if !defined(WRONG_MIXES_HEAPS) && !defined(WRONG_NO_MALLOC)
void* calloc(size_t count, size_t size) {
    return malloc(count * size);
} // never reused: still zero
void* realloc(void* old, size_t size) {
    char* block = malloc(size);
    for (size_t i = 0; old != NULL && block != NULL && i < size && (char*)old + i < heap + sizeof heap; ++i) {
        block[i] = ((char*)old)[i];
    }
    return block;
}
#endif

__attribute__((constructor)) static void on_load(void) {
#if defined(WRONG_CRASHES)
    abort();
#elif defined(WRONG_HANGS)
    for (;;) {
        pause();
    }
#elif defined(WRONG_PRINTS)
    static const char banner[] = "{ my allocator 1.0 }\n";
    if (write(1, banner, sizeof banner - 1) < 0) {
        _exit(1);
    }
#endif
}

int faultline_wrong_library(void) {
    return 1;
} // so that WRONG_NO_MALLOC exports something
