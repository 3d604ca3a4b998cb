// A malloc for tests, in front of glibc's. It counts calls into memory shared with the test, and hands out the same
// block again and again for one size, as a broken allocator would, once the test has written that size there.
// Preloaded; plain C, so that it needs nothing itself.
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

void* glibc_malloc(size_t) __asm__("__libc_malloc");
void* glibc_calloc(size_t, size_t) __asm__("__libc_calloc");
void* glibc_realloc(void*, size_t) __asm__("__libc_realloc");
void glibc_free(void*) __asm__("__libc_free");

// As TestMalloc of worker_test.cpp has it.
struct shared {
    atomic_ulong calls;
    atomic_ulong broken_size; // 0: none
};

static struct shared* shared; // NULL: nobody asked
static char shared_block[4096];

// The loader's own relocations are done and getenv works: constructors of the program have not run yet.
__attribute__((constructor)) static void begin(void) {
    const char* fd = getenv("FAULTLINE_TEST_MALLOC_FD");
    if (fd != NULL) {
        void* mapped = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, atoi(fd), 0);
        shared = mapped == MAP_FAILED ? NULL : mapped;
    }
}

static void count(void) {
    if (shared != NULL)
        atomic_fetch_add_explicit(&shared->calls, 1, memory_order_relaxed);
}

void* malloc(size_t bytes) {
    count();
    const int broken = shared != NULL && bytes != 0 && bytes == atomic_load(&shared->broken_size);
    return broken ? shared_block : glibc_malloc(bytes);
}
void* calloc(size_t number, size_t bytes) {
    count();
    return glibc_calloc(number, bytes);
}
void* realloc(void* block, size_t bytes) {
    count();
    return glibc_realloc(block, bytes);
}
void free(void* block) {
    count();
    if (block != shared_block)
        glibc_free(block);
}
