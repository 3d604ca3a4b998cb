/* A program with a malloc of its own, as some browsers and databases have: preloading one changes nothing. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static char arena[64 << 20];
static size_t used;

void* malloc(size_t bytes) {
    size_t* block = (size_t*)(arena + used);
    used += (bytes + 31) & ~(size_t)15;
    block[0] = bytes;
    return block + 2;
}
void free(void* block) {
    (void)block;
}
void* calloc(size_t count, size_t bytes) {
    return malloc(count * bytes);
}
void* realloc(void* block, size_t bytes) {
    void* larger = malloc(bytes);
    if (block != NULL) {
        const size_t old = ((size_t*)block)[-2];
        memcpy(larger, block, old < bytes ? old : bytes);
    }
    return larger;
}

int main(void) {
    for (volatile unsigned long i = 0; i < 100000000; ++i) {
    }
    return puts("done") < 0;
}
