// A malloc for tests, in front of glibc's. It counts calls into memory shared with the test, and hands out the same
// block again and again for one size, as a broken allocator would. Preloaded; plain C, so that it needs nothing itself.
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>

void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void __libc_free(void*);

static atomic_ulong* calls; // NULL: nobody asked
static char shared_block[4096];
static size_t broken_size;

// The loader's own relocations are done and getenv works: constructors of the program have not run yet.
__attribute__((constructor)) static void begin(void) {
    const char* fd = getenv("FAULTLINE_TEST_COUNT_FD");
    if (fd != NULL) {
        void* shared = mmap(NULL, sizeof *calls, PROT_READ | PROT_WRITE, MAP_SHARED, atoi(fd), 0);
        calls = shared == MAP_FAILED ? NULL : shared;
    }
    const char* size = getenv("FAULTLINE_TEST_BROKEN_SIZE");
    broken_size = size != NULL ? strtoul(size, NULL, 10) : 0;
}

static void count(void) {
    if (calls != NULL)
        atomic_fetch_add_explicit(calls, 1, memory_order_relaxed);
}

void* malloc(size_t bytes) {
    count();
    return bytes != 0 && bytes == broken_size ? shared_block : __libc_malloc(bytes);
}
void* calloc(size_t number, size_t bytes) {
    count();
    return __libc_calloc(number, bytes);
}
void* realloc(void* block, size_t bytes) {
    count();
    return __libc_realloc(block, bytes);
}
void free(void* block) {
    count();
    if (block != shared_block)
        __libc_free(block);
}
