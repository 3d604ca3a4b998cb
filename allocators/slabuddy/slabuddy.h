/* slabuddy: the Linux kernel's buddy and slab allocators as a malloc. What a program may ask beyond malloc(3).
 *
 * Link with -lslabuddy, or look the symbols up with dlsym(RTLD_DEFAULT, ...) to work with whatever is preloaded.
 * All calls are thread-safe. */
#ifndef SLABUDDY_H
#define SLABUDDY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0", or "0.1.0-checked" for the checked library. */
const char* sb_version(void);

/* Checks the invariants of every layer: NULL when all hold, else a text (static) that says which does not. Exact while
 * no other thread allocates; with running threads it may report what is only in flight. Cost: a walk over all pages. */
const char* sb_check(void);

/* Figures as text, in the layout of the kernel's /proc/slabinfo, /proc/buddyinfo and /proc/vmallocinfo. Like snprintf:
 * writes at most `bytes` with the ending NUL into `text` and returns how many bytes the whole text has without it. */
size_t sb_slabinfo(char* text, size_t bytes);
size_t sb_buddyinfo(char* text, size_t bytes);
size_t sb_vmallocinfo(char* text, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif
