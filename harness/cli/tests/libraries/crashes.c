/* Dies of SIGSEGV in the 20,000th allocation: after start-up, in the middle of the work. */
#include "forward.h"
#include <signal.h>

static unsigned calls;

void* malloc(size_t size) {
    if (__atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) == 20000) {
        raise(SIGSEGV);
    }
    return __libc_malloc(size);
}
