// What the programs and their reader agree on: the counters, the state kept for each thread of the trial, and
// the keys of the tables. Compiled as C for BPF and as C++ for the reader.
#pragma once

// X(ID, group, program, metric, help): one row is one metric. `program` is the one without which the
// metric is absent. All of them count what the threads and children of the trial do, and nobody else.
// clang-format off
#define FAULTLINE_BPF_COUNTERS(X) \
    X(FAULTS_MINOR, "memcg_events", memcg_event, "faults_minor", "count_memcg_events: PGFAULT without PGMAJFAULT, populating calls included") \
    X(FAULTS_MAJOR, "memcg_events", memcg_event, "faults_major", "count_memcg_events: PGFAULT after PGMAJFAULT") \
    X(FAULTS_USER_MODE, "faults", fault_user, "faults_user_mode", "page_fault_user: exceptions in user code") \
    X(FAULTS_KERNEL_MODE, "faults", fault_kernel, "faults_kernel_mode", "page_fault_kernel: exceptions inside system calls") \
    X(FAULTS_IN_CALLS, "memcg_events", memcg_event, "faults_in_calls", "faults taken without an exception: MAP_POPULATE, mlock, exec's arguments") \
    X(FAULTS_ANONYMOUS, "fault_kinds", rss, "faults_anonymous", "a fresh page of anonymous memory") \
    X(FAULTS_ZERO_PAGE, "fault_kinds", rss, "faults_zero_page", "a read of untouched anonymous memory: the shared page of zeros") \
    X(FAULTS_COW, "fault_kinds", rss, "faults_cow", "copy-on-write: a page copied for a write") \
    X(FAULTS_FILE, "fault_kinds", rss, "faults_file", "pages of a mapped file") \
    X(FAULTS_SHMEM, "fault_kinds", rss, "faults_shmem", "a page of shared memory or tmpfs") \
    X(FAULTS_SWAP, "fault_kinds", rss, "faults_swap", "a page that was swapped out, read or found in the swap cache") \
    X(FAULTS_HUGE, "fault_kinds", rss, "faults_huge", "a huge page of anonymous memory") \
    X(FAULTS_REUSE, "fault_kinds", rss, "faults_reuse", "a page made writable where it stands, nothing copied") \
    X(FAULTS_OTHER, "fault_kinds", rss, "faults_other", "none of the kinds: hugetlb, races lost, races won by another thread, faults that failed") \
    X(FAULT_NS, "latency", memcg_event, "fault_ns", "time from the exception to the end of its handling, all faults") \
    X(PAGES_ALLOCATED, "pages", page_alloc, "alloc_pages_pages", "mm_page_alloc: pages, 2^order each") \
    X(PAGE_ALLOC_CALLS, "pages", page_alloc, "alloc_pages_calls", "mm_page_alloc") \
    X(PAGES_FREED, "page_frees", page_free, "free_pages_pages", "mm_page_free: pages, freed by the trial's own threads") \
    X(PAGES_UNMOVABLE, "pages", page_alloc, "alloc_pages_unmovable_pages", "mm_page_alloc: migrate type unmovable, the kernel's own") \
    X(PAGES_MOVABLE, "pages", page_alloc, "alloc_pages_movable_pages", "mm_page_alloc: migrate type movable, user memory and page cache") \
    X(PAGES_RECLAIMABLE, "pages", page_alloc, "alloc_pages_reclaimable_pages", "mm_page_alloc: migrate type reclaimable, caches that shrink") \
    X(PAGE_ORDER_0, "pages", page_alloc, "alloc_pages_order0_calls", "mm_page_alloc") \
    X(PAGE_ORDER_1, "pages", page_alloc, "alloc_pages_order1_calls", "mm_page_alloc") \
    X(PAGE_ORDER_2, "pages", page_alloc, "alloc_pages_order2_calls", "mm_page_alloc") \
    X(PAGE_ORDER_3, "pages", page_alloc, "alloc_pages_order3_calls", "mm_page_alloc") \
    X(PAGE_ORDER_4, "pages", page_alloc, "alloc_pages_order4_calls", "mm_page_alloc") \
    X(PAGE_ORDER_5, "pages", page_alloc, "alloc_pages_order5_calls", "mm_page_alloc") \
    X(PAGE_ORDER_6, "pages", page_alloc, "alloc_pages_order6_calls", "mm_page_alloc") \
    X(PAGE_ORDER_7, "pages", page_alloc, "alloc_pages_order7_calls", "mm_page_alloc") \
    X(PAGE_ORDER_8, "pages", page_alloc, "alloc_pages_order8_calls", "mm_page_alloc") \
    X(PAGE_ORDER_9, "pages", page_alloc, "alloc_pages_order9_calls", "mm_page_alloc") \
    X(PAGE_ORDER_10, "pages", page_alloc, "alloc_pages_order10_calls", "mm_page_alloc") \
    X(PAGE_ROWS_LOST, "pages", page_alloc, "alloc_pages_rows_lost", "calls that did not fit the table of GFP flags, and are missing from the other figures") \
    X(KMALLOCS, "slab", kmalloc, "kmalloc_calls", "kmalloc") \
    X(KMALLOC_BYTES, "slab", kmalloc, "kmalloc_bytes", "kmalloc: bytes_alloc, rounded up to the class") \
    X(KMALLOC_REQUESTED_BYTES, "slab", kmalloc, "kmalloc_requested_bytes", "kmalloc: bytes_req") \
    X(KMALLOC_TO_64, "slab", kmalloc, "kmalloc_to_64_calls", "kmalloc: class of 8 to 64 bytes") \
    X(KMALLOC_TO_128, "slab", kmalloc, "kmalloc_to_128_calls", "kmalloc: class of 96 or 128 bytes") \
    X(KMALLOC_TO_256, "slab", kmalloc, "kmalloc_to_256_calls", "kmalloc: class of 192 or 256 bytes") \
    X(KMALLOC_TO_512, "slab", kmalloc, "kmalloc_to_512_calls", "kmalloc: class of 512 bytes") \
    X(KMALLOC_TO_1K, "slab", kmalloc, "kmalloc_to_1024_calls", "kmalloc: class of 1 KiB") \
    X(KMALLOC_TO_2K, "slab", kmalloc, "kmalloc_to_2048_calls", "kmalloc: class of 2 KiB") \
    X(KMALLOC_TO_4K, "slab", kmalloc, "kmalloc_to_4096_calls", "kmalloc: class of 4 KiB") \
    X(KMALLOC_TO_8K, "slab", kmalloc, "kmalloc_to_8192_calls", "kmalloc: class of 8 KiB") \
    X(KMALLOC_TO_16K, "slab", kmalloc, "kmalloc_to_16384_calls", "kmalloc: 16 KiB of pages") \
    X(KMALLOC_OVER_16K, "slab", kmalloc, "kmalloc_over_16384_calls", "kmalloc: more than 16 KiB of pages") \
    X(KFREES, "slab", kfree, "kfree_calls", "kfree by the trial's own threads") \
    X(SLAB_ALLOCS, "slab", cache_alloc, "slab_alloc_calls", "kmem_cache_alloc") \
    X(SLAB_BYTES, "slab", cache_alloc, "slab_alloc_bytes", "kmem_cache_alloc: the caches' object sizes") \
    X(SLAB_FREES, "slab", cache_free, "slab_free_calls", "kmem_cache_free by the trial's own threads") \
    X(SLAB_ROWS_LOST, "slab", kmalloc, "slab_rows_lost", "calls that did not fit the table of call sites") \
    X(VMALLOCS, "vmalloc", vmap_alloc, "vmap_alloc_calls", "alloc_vmap_area: vmalloc, kernel stacks, mappings") \
    X(VMALLOC_BYTES, "vmalloc", vmap_alloc, "vmap_alloc_bytes", "alloc_vmap_area, with a guard page each") \
    X(VMALLOC_FAILURES, "vmalloc", vmap_alloc, "vmap_alloc_failures", "alloc_vmap_area: failed") \
    X(VFREES, "vmalloc", vmap_free, "vmap_free_calls", "free_vmap_area_noflush by the trial's own threads") \
    X(CACHE_ADDED, "pagecache", cache_add, "pagecache_added_pages", "mm_filemap_add_to_page_cache: pages, read-ahead and writes included") \
    X(CACHE_REMOVED, "pagecache", cache_delete, "pagecache_removed_pages", "mm_filemap_delete_from_page_cache: pages") \
    X(CACHE_DIRTIED, "pagecache", cache_dirty, "pagecache_dirtied_pages", "writeback_dirty_folio: pages that became different from their file") \
    X(CACHE_LOOKUPS, "pagecache", cache_get, "pagecache_read_pages", "mm_filemap_get_pages: pages that read calls asked for") \
    X(CACHE_MISSES, "pagecache", cache_get, "pagecache_missed_pages", "of these, those that the call itself had to bring in") \
    X(CACHE_FAULTS, "pagecache", filemap_fault, "pagecache_fault_calls", "mm_filemap_fault: faults that looked a page up") \
    X(REFAULTS_FILE, "refaults", lruvec_state, "refaulted_file_pages", "WORKINGSET_REFAULT_FILE: pages wanted again soon after they were dropped") \
    X(REFAULTS_ANON, "refaults", lruvec_state, "refaulted_anon_pages", "WORKINGSET_REFAULT_ANON: pages wanted again soon after they were swapped out") \
    X(SWAP_IN, "memcg_events", memcg_event, "swap_in_pages", "count_memcg_events: PSWPIN, read-ahead included") \
    X(SWAP_OUT, "memcg_events", memcg_event, "swap_out_pages", "count_memcg_events: PSWPOUT by the trial's own threads; kswapd's are not") \
    X(RECLAIMS, "reclaim", reclaim_end, "direct_reclaim_calls", "mm_vmscan_direct_reclaim: the host was short of memory") \
    X(RECLAIM_NS, "reclaim", reclaim_end, "direct_reclaim_ns", "the trial's threads stood in it") \
    X(MEMCG_RECLAIMS, "reclaim", memcg_reclaim_end, "memcg_reclaim_calls", "mm_vmscan_memcg_reclaim: the cgroup's limit was reached") \
    X(MEMCG_RECLAIM_NS, "reclaim", memcg_reclaim_end, "memcg_reclaim_ns", "the trial's threads stood in it") \
    X(RECLAIM_SCANNED, "reclaim", shrink_inactive, "reclaim_scanned_pages", "mm_vmscan_lru_shrink_inactive: in the trial's own reclaim") \
    X(RECLAIM_STOLEN, "reclaim", memcg_reclaim_end, "reclaim_freed_pages", "mm_vmscan_direct_reclaim_end and mm_vmscan_memcg_reclaim_end: pages, slab pages included") \
    X(COMPACTIONS, "compaction", compaction_end, "direct_compaction_calls", "mm_compaction: in the trial's own threads") \
    X(COMPACTION_NS, "compaction", compaction_end, "direct_compaction_ns", "the trial's threads stood in it") \
    X(OOM_VICTIMS, "oom", oom_victim, "oom_victims", "mark_victim: a process of the trial") \
    X(TLB_FLUSHES, "tlb", tlb_flush, "tlb_local_flushes", "tlb_flush: on the trial's own CPU, task switches left out") \
    X(TLB_SHOOTDOWNS, "tlb", tlb_flush, "tlb_shootdowns", "tlb_flush: asked of other CPUs by the trial") \
    X(SYSTEM_CALLS, "syscalls", call_enter, "system_calls", "sys_enter") \
    X(BRK_CALLS, "syscalls", call_exit, "brk_calls", "sys_exit: brk") \
    X(BRK_GROWN_BYTES, "syscalls", call_exit, "brk_grown_bytes", "sys_exit: brk, where it moved up") \
    X(BRK_SHRUNK_BYTES, "syscalls", call_exit, "brk_shrunk_bytes", "sys_exit: brk, where it moved down") \
    X(MMAP_CALLS, "syscalls", call_exit, "mmap_calls", "sys_exit: mmap that did not fail") \
    X(MMAP_BYTES, "syscalls", call_exit, "mmap_bytes", "sys_exit: mmap that did not fail") \
    X(MUNMAP_CALLS, "syscalls", call_exit, "munmap_calls", "sys_exit: munmap that did not fail") \
    X(MUNMAP_BYTES, "syscalls", call_exit, "munmap_bytes", "sys_exit: munmap that did not fail") \
    X(MREMAP_CALLS, "syscalls", call_exit, "mremap_calls", "sys_exit: mremap that did not fail") \
    X(MREMAP_GROWN_BYTES, "syscalls", call_exit, "mremap_grown_bytes", "sys_exit: mremap, where it grew") \
    X(MREMAP_SHRUNK_BYTES, "syscalls", call_exit, "mremap_shrunk_bytes", "sys_exit: mremap, where it shrank") \
    X(MPROTECT_CALLS, "syscalls", call_exit, "mprotect_calls", "sys_exit: mprotect that did not fail") \
    X(MPROTECT_BYTES, "syscalls", call_exit, "mprotect_bytes", "sys_exit: mprotect that did not fail") \
    X(MADVISE_CALLS, "syscalls", call_exit, "madvise_calls", "sys_exit: madvise that did not fail; the kinds are in the table `madvise`") \
    X(MADVISE_BYTES, "syscalls", call_exit, "madvise_bytes", "sys_exit: madvise that did not fail") \
    X(CALLS_FAILED, "syscalls", call_exit, "memory_calls_failed", "sys_exit: mmap, munmap, mremap, madvise or mprotect that failed")
// clang-format on

// The names are in the kernel's style, since these are types of C programs in the kernel too.
// NOLINTBEGIN(readability-identifier-naming)
enum counter_id {
#define FAULTLINE_ID(id, group, program, metric, help) COUNT_##id,
    FAULTLINE_BPF_COUNTERS(FAULTLINE_ID)
#undef FAULTLINE_ID
        COUNTER_COUNT
};

struct counters {
    unsigned long long value[COUNTER_COUNT];
};

// The kinds of faults are the counters COUNT_FAULTS_ANONYMOUS to COUNT_FAULTS_OTHER, in their order.
enum { FAULT_KINDS = COUNT_FAULTS_OTHER - COUNT_FAULTS_ANONYMOUS + 1 };

// Latency by kind: slot i counts faults of 2^i to 2^(i+1) ns, the last all that took longer.
enum { LATENCY_SLOTS = 32 };
struct latency {
    unsigned long long slots[LATENCY_SLOTS];
};

struct page_key {
    unsigned int gfp;
    unsigned short order;
    unsigned short migratetype;
};

// Kept for each CPU: the first combination that came to a slot has it, and needs no search; the others of
// that slot are in a hash.
enum { PAGE_SLOTS = 64 };
struct page_slots {
    struct {
        struct page_key key;
        unsigned long long calls; // 0: nobody's yet
    } slots[PAGE_SLOTS];
};

// `cache` is 0 for kmalloc.
struct slab_key {
    unsigned long long cache;
    unsigned long long call_site;
};
enum { CACHE_NAME_BYTES = 32 };
struct slab_use {
    unsigned long long calls;
    unsigned long long bytes;
    char name[CACHE_NAME_BYTES]; // of the cache; empty for kmalloc
};

// madvise by advice: as many as the kernel has, and one for those beyond.
enum { ADVICE_KINDS = 128 };
struct advice_use {
    unsigned long long calls;
    unsigned long long bytes;
};
// NOLINTEND(readability-identifier-naming)
