/* From the 20,000th allocation on, every second block of 64 to 1024 bytes is the one handed out before: two owners
   overwrite each other. */
#include "forward.h"

static unsigned calls;
static _Thread_local char* before;

void* malloc(size_t size) {
    const unsigned call = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
    if (call < 20000 || size < 64 || size > 1024) {
        return __libc_malloc(size);
    }
    if (call % 2 == 0 || before == NULL) {
        before = __libc_malloc(2048);
    }
    return before;
}
