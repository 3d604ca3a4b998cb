/* Answers NULL from the 20,000th allocation on. */
#include "forward.h"
#include <errno.h>

static unsigned calls;

void* malloc(size_t size) {
    if (__atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) >= 20000) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_malloc(size);
}
