/* Never returns from the 20,000th allocation. */
#include "forward.h"
#include <unistd.h>

static unsigned calls;

void* malloc(size_t size) {
    if (__atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) == 20000) {
        for (;;) {
            pause();
        }
    }
    return __libc_malloc(size);
}
