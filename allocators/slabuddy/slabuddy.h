/* slabuddy: the Linux kernel's buddy and slab allocators as a malloc. What a program may ask beyond malloc(3).
 *
 * Link with -lslabuddy, or look the symbols up with dlsym(RTLD_DEFAULT, ...) to work with whatever is preloaded. All calls
 * are thread-safe, none may be made in a signal handler. Sizes are in bytes. A call that answers NULL for want of memory
 * sets errno to ENOMEM; a call that succeeds leaves errno alone. Misuse (a second free, an address that is no block, an
 * object of another cache, pages given back as more than they are) ends the program with one line on standard error.
 *
 * The second part mirrors the kernel's include/linux/gfp.h, slab.h and vmalloc.h, each name with sb_ before it. */
#ifndef SLABUDDY_H
#define SLABUDDY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0", or "0.1.0-checked" for the checked library. */
const char* sb_version(void);

/* Checks the invariants of every layer: NULL when all hold, else a text (static) that says which does not. Exact while
 * no other thread allocates; with running threads it may report what is only in flight. Cost: a walk over all pages.
 * With SLABUDDY_OPTIONS=debug also the red zones and poison of every object; damage there ends the program. */
const char* sb_check(void);

/* Figures as text, in the layout of the kernel's /proc/slabinfo, /proc/buddyinfo and /proc/vmallocinfo. Like snprintf:
 * writes at most `bytes` with the ending NUL into `text` and returns how many bytes the whole text has without it. */
size_t sb_slabinfo(char* text, size_t bytes);
size_t sb_buddyinfo(char* text, size_t bytes);
size_t sb_vmallocinfo(char* text, size_t bytes);

/* For each order, which part of the free memory a request of that order cannot use, 0.000 to 1.000: the kernel's
 * /sys/kernel/debug/extfrag/unusable_index. */
size_t sb_unusable_index(char* text, size_t bytes);

/* All figures as one JSON object; keys end in their unit (_bytes, _pages, _objects). */
size_t sb_stats_json(char* text, size_t bytes);

/* --- GFP flags: how far an allocation goes before it gives up ----------------------------------------------------
 *
 * What the kernel decides about reclaim and sleeping is, for a process, a matter of system calls and of locks:
 *
 *   SB_GFP_KERNEL   asks the system for memory; when it refuses, gives back all that is free and asks once more
 *   SB_GFP_NOWAIT   only what slabuddy has already: no system call for memory, and locks are spun on, not slept on. (To
 *                   wake a thread that sleeps on a lock still takes a call.) NULL when nothing fits, and before the
 *                   first allocation of the process.
 *   SB_GFP_ATOMIC   the same, and tries harder: also what other threads' stocks and processors' lists hold
 *   SB_GFP_ZERO     all bytes are zero
 *   SB_GFP_NORETRY  one attempt
 *   SB_GFP_NOFAIL   with SB_GFP_KERNEL: sleeps 1 to 64 ms between attempts until there is memory; NULL only for a request
 *                   that no memory could satisfy
 *   SB_GFP_NOWARN   a failure is not said on standard error (else the first ten are, one line each)
 *
 * SB_GFP_IO, SB_GFP_FS and the like say what the kernel's reclaim may touch; they are accepted and mean nothing here. */
typedef unsigned sb_gfp_t;

#define SB_GFP_HIGH 0x20u
#define SB_GFP_IO 0x40u
#define SB_GFP_FS 0x80u
#define SB_GFP_ZERO 0x100u
#define SB_GFP_DIRECT_RECLAIM 0x400u
#define SB_GFP_KSWAPD_RECLAIM 0x800u
#define SB_GFP_NOWARN 0x2000u
#define SB_GFP_NOFAIL 0x8000u
#define SB_GFP_NORETRY 0x10000u

#define SB_GFP_KERNEL (SB_GFP_DIRECT_RECLAIM | SB_GFP_KSWAPD_RECLAIM | SB_GFP_IO | SB_GFP_FS)
#define SB_GFP_ATOMIC (SB_GFP_HIGH | SB_GFP_KSWAPD_RECLAIM)
#define SB_GFP_NOWAIT SB_GFP_KSWAPD_RECLAIM

/* The kernel's own names, unless the program has other uses for them. */
#ifndef SB_NO_KERNEL_NAMES
typedef sb_gfp_t gfp_t;
#define GFP_KERNEL SB_GFP_KERNEL
#define GFP_ATOMIC SB_GFP_ATOMIC
#define GFP_NOWAIT SB_GFP_NOWAIT
#define __GFP_HIGH SB_GFP_HIGH
#define __GFP_IO SB_GFP_IO
#define __GFP_FS SB_GFP_FS
#define __GFP_ZERO SB_GFP_ZERO
#define __GFP_DIRECT_RECLAIM SB_GFP_DIRECT_RECLAIM
#define __GFP_KSWAPD_RECLAIM SB_GFP_KSWAPD_RECLAIM
#define __GFP_NOWARN SB_GFP_NOWARN
#define __GFP_NOFAIL SB_GFP_NOFAIL
#define __GFP_NORETRY SB_GFP_NORETRY
#define SLAB_HWCACHE_ALIGN SB_SLAB_HWCACHE_ALIGN
#define ZERO_SIZE_PTR SB_ZERO_SIZE_PTR
#endif

/* --- Pages, from the buddy allocator ------------------------------------------------------------------------------
 *
 * A page is 64 KiB. 1 << order pages, 0 <= order <= SB_MAX_ORDER, aligned to their size. In user space no page is without
 * an address, so sb_alloc_pages and sb_get_free_pages both answer the address, and sb_free_pages takes what either gave,
 * with the same order. free(3) takes it, too. */
#define SB_PAGE_SHIFT 16
#define SB_PAGE_SIZE ((size_t)1 << SB_PAGE_SHIFT)
#define SB_MAX_ORDER 9

void* sb_alloc_pages(sb_gfp_t gfp, unsigned order);
void* sb_get_free_pages(sb_gfp_t gfp, unsigned order);
void* sb_get_zeroed_page(sb_gfp_t gfp);
void sb_free_pages(void* address, unsigned order); /* NULL is ignored */

/* As many pages as `bytes` (at most 32 MiB) need: the tail of the block that a power of two would take is free again. */
void* sb_alloc_pages_exact(size_t bytes, sb_gfp_t gfp);
void sb_free_pages_exact(void* address,
                         size_t bytes); /* the same `bytes`, or as many pages; NULL is ignored */

/* --- Slab caches --------------------------------------------------------------------------------------------------
 *
 * A cache hands out objects of one size from slabs of its own, and shows under its name in sb_slabinfo(). Objects are
 * never merged with those of another cache of that size. Each call takes the cache's lock, so that a second free, an
 * object of another cache and an address inside an object are always caught at once.
 *
 * sb_kmem_cache_create: `name` is copied (42 bytes of it) and may hold no blanks; 0 < size <= SB_CACHE_MAX_BYTES; align is
 * 0 (for 16) or a power of two up to SB_PAGE_SIZE; flags is 0 or SB_SLAB_HWCACHE_ALIGN (aligned to a cache line of 64
 * bytes, or to the part of one that the object fits). The constructor, or NULL, runs once for each object of a new slab,
 * never for one that was used before: who frees an object leaves it constructed. NULL with errno EINVAL when an argument
 * is wrong, ENOMEM when memory or the 1,023 places for caches are used up. */
struct sb_kmem_cache;
#define SB_CACHE_MAX_BYTES ((size_t)256 << 10)
#define SB_SLAB_HWCACHE_ALIGN 0x2000u

struct sb_kmem_cache* sb_kmem_cache_create(const char* name, size_t size, size_t align, unsigned flags,
                                           void (*constructor)(void* object));
/* SB_GFP_ZERO is ignored where there is a constructor. */
void* sb_kmem_cache_alloc(struct sb_kmem_cache* cache, sb_gfp_t gfp);
void* sb_kmem_cache_zalloc(struct sb_kmem_cache* cache, sb_gfp_t gfp);
void sb_kmem_cache_free(struct sb_kmem_cache* cache, void* object); /* NULL is ignored */
size_t sb_kmem_cache_size(const struct sb_kmem_cache* cache); /* bytes of an object, as given at creation */
size_t sb_kmem_cache_shrink(struct sb_kmem_cache* cache);     /* gives empty slabs back; their bytes */
/* 0; or -1 with errno EBUSY while objects are in use: then the cache is as before. NULL is ignored. */
int sb_kmem_cache_destroy(struct sb_kmem_cache* cache);

/* --- kmalloc ------------------------------------------------------------------------------------------------------
 *
 * Blocks of the size classes, the same that malloc gives: free(3) takes them and sb_kfree takes malloc's. Size 0 answers
 * SB_ZERO_SIZE_PTR, which may not be read or written, and which only sb_kfree, sb_krealloc, sb_ksize and sb_kvfree take.
 * sb_kfree also takes objects of slab caches. */
#define SB_ZERO_SIZE_PTR ((void*)16)

void* sb_kmalloc(size_t size, sb_gfp_t gfp);
void* sb_kzalloc(size_t size, sb_gfp_t gfp);
void* sb_kmalloc_array(size_t count, size_t size, sb_gfp_t gfp); /* NULL when the product overflows */
void* sb_kcalloc(size_t count, size_t size, sb_gfp_t gfp);
/* In place when sb_ksize(block) is enough; NULL leaves the block as it was; size 0 frees it. What a larger block has more
 * is zero with SB_GFP_ZERO, if the block moved. */
void* sb_krealloc(const void* block, size_t size, sb_gfp_t gfp);
void sb_kfree(const void* block);
size_t sb_ksize(const void* block); /* bytes that may be used: at least what was asked for; 0 for NULL */

/* --- vmalloc ------------------------------------------------------------------------------------------------------
 *
 * An area of its own with a guard page behind it: shows in sb_vmallocinfo(). Sizes are rounded to the system's pages;
 * size 0 answers NULL.
 *
 * The kernel joins page blocks that are apart by its page table. A process could do so only by moving them with mremap(2),
 * one system call and one map entry (of vm.max_map_count) for each block, or by mapping a shared file twice, which a child
 * of fork(2) would then share with its parent instead of having its own copy. A fresh mapping is one call and one entry
 * for any size, and what is contiguous in it is just as virtual: so that is what these calls make. */
void* sb_vmalloc(size_t size);
void* sb_vzalloc(size_t size);
void sb_vfree(const void* address); /* NULL is ignored */

/* As sb_kmalloc, and as sb_vmalloc when that fails. sb_kvfree takes either. */
void* sb_kvmalloc(size_t size, sb_gfp_t gfp);
void* sb_kvzalloc(size_t size, sb_gfp_t gfp);
void sb_kvfree(const void* block);

#ifdef __cplusplus
}
#endif
#endif
