// The kernel's allocators: pages, slab, vmalloc.
#pragma once

enum { GFP_MOVABLE_BIT = 1 << 3, HUGE_ORDER = 9 }; // the bit has stood since the flags were given numbers

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
    __uint(max_entries, 1024);
    __type(key, struct page_key);
    __type(value, __u64);
} pages SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
    __uint(max_entries, 4096);
    __type(key, struct slab_key);
    __type(value, struct slab_use);
} slabs SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct page_slots);
} page_slots SEC(".maps");

static __always_inline void count_page_elsewhere(const struct page_key* key) {
    __u64* calls = bpf_map_lookup_elem(&pages, key);
    if (!calls) {
        const __u64 none = 0;
        bpf_map_update_elem(&pages, key, &none, BPF_NOEXIST);
        calls = bpf_map_lookup_elem(&pages, key);
    }
    if (calls) {
        ++*calls;
    } else {
        add(my_counters(), COUNT_PAGE_ROWS_LOST, 1);
    }
}

static __always_inline void count_page_row(__u32 order, __u32 gfp, int migratetype) {
    const __u32 zero = 0;
    struct page_slots* mine = bpf_map_lookup_elem(&page_slots, &zero);
    if (!mine) {
        return;
    }
    __u64 slot = ((gfp ^ order << 28) * 0x9E3779B1U) >> 26; // Knuth's multiplicative hash
    slot &= PAGE_SLOTS - 1;
    const struct page_key key = {gfp, order, migratetype};
    if (mine->slots[slot].calls == 0) {
        mine->slots[slot].key = key;
    }
    const struct page_key* there = &mine->slots[slot].key;
    if (there->gfp == key.gfp && there->order == key.order && there->migratetype == key.migratetype) {
        mine->slots[slot].calls += 1;
    } else {
        count_page_elsewhere(&key);
    }
}

// The orders, how many pages and of what type, the reader makes of the table.
SEC("tp_btf/mm_page_alloc")
int BPF_PROG(page_alloc, void* page, unsigned int order, unsigned int gfp, int migratetype) {
    struct thread* thread = current_thread();
    if (!thread || !page) { // null: it failed
        return 0;
    }
    if (gfp & GFP_MOVABLE_BIT) {
        fault_shows(thread, order >= HUGE_ORDER ? SEEN_USER_PAGE | SEEN_HUGE_PAGE : SEEN_USER_PAGE);
    }
    if (want_pages) {
        count_page_row(order, gfp, migratetype);
    }
    return 0;
}

SEC("tp_btf/mm_page_free")
int BPF_PROG(page_free, void* page, unsigned int order) {
    if (current_thread()) {
        add(my_counters(), COUNT_PAGES_FREED, 1UL << (order & 63));
    }
    return 0;
}

static __always_inline void count_slab_row(struct kmem_cache* cache, unsigned long call_site, __u64 bytes,
                                           struct counters* counters) {
    const struct slab_key key = {(__u64)cache, call_site};
    struct slab_use* use = bpf_map_lookup_elem(&slabs, &key);
    if (!use) {
        struct slab_use fresh = {};
        if (cache) {
            bpf_probe_read_kernel_str(fresh.name, sizeof fresh.name, cache->name);
        }
        bpf_map_update_elem(&slabs, &key, &fresh, BPF_NOEXIST);
        use = bpf_map_lookup_elem(&slabs, &key);
    }
    if (use) {
        use->calls += 1;
        use->bytes += bytes;
    } else {
        add(counters, COUNT_SLAB_ROWS_LOST, 1);
    }
}

static __always_inline enum counter_id kmalloc_class(__u64 bytes) {
    if (bytes <= 64) {
        return COUNT_KMALLOC_TO_64;
    }
    const __u32 class = floor_log2(bytes - 1) - 5; // 65..128 -> 1
    return class < COUNT_KMALLOC_OVER_16K - COUNT_KMALLOC_TO_64 ? COUNT_KMALLOC_TO_64 + class
                                                                : COUNT_KMALLOC_OVER_16K;
}

SEC("tp_btf/kmalloc")
int BPF_PROG(kmalloc, unsigned long call_site, const void* unread, unsigned long requested,
             unsigned long bytes, unsigned int gfp, int node) {
    struct thread* thread = current_thread();
    const void* object = argument(ctx, 1);
    if (!thread || !object) {
        return 0;
    }
    // From 16 KiB on it is told twice, by the function that takes pages and by the one that called it.
    if (bytes >= 16384) {
        if (thread->large_kmalloc == (__u64)object) {
            thread->large_kmalloc = 0;
            return 0;
        }
        thread->large_kmalloc = (__u64)object;
    }
    struct counters* counters = my_counters();
    add(counters, COUNT_KMALLOCS, 1);
    add(counters, COUNT_KMALLOC_BYTES, bytes);
    add(counters, COUNT_KMALLOC_REQUESTED_BYTES, requested);
    add(counters, kmalloc_class(bytes), 1);
    if (want_slab_table) {
        count_slab_row(0, call_site, bytes, counters);
    }
    return 0;
}

SEC("tp_btf/kfree")
int BPF_PROG(kfree) {
    struct thread* thread = current_thread();
    const void* object = argument(ctx, 1);
    if (thread && object) {
        if (thread->large_kmalloc == (__u64)object) {
            thread->large_kmalloc = 0;
        }
        add(my_counters(), COUNT_KFREES, 1);
    }
    return 0;
}

SEC("tp_btf/kmem_cache_alloc")
int BPF_PROG(cache_alloc, unsigned long call_site, const void* unread, struct kmem_cache* cache) {
    if (!current_thread() || !argument(ctx, 1)) {
        return 0;
    }
    struct counters* counters = my_counters();
    add(counters, COUNT_SLAB_ALLOCS, 1);
    add(counters, COUNT_SLAB_BYTES, cache->object_size);
    if (want_slab_table) {
        count_slab_row(cache, call_site, cache->object_size, counters);
    }
    return 0;
}

SEC("tp_btf/kmem_cache_free")
int BPF_PROG(cache_free) {
    if (current_thread()) {
        add(my_counters(), COUNT_SLAB_FREES, 1);
    }
    return 0;
}

SEC("tp_btf/alloc_vmap_area")
int BPF_PROG(vmap_alloc, unsigned long address, unsigned long size, unsigned long align, unsigned long start,
             unsigned long end, int failed) {
    if (!current_thread()) {
        return 0;
    }
    struct counters* counters = my_counters();
    if (failed) {
        add(counters, COUNT_VMALLOC_FAILURES, 1);
    } else {
        add(counters, COUNT_VMALLOCS, 1);
        add(counters, COUNT_VMALLOC_BYTES, size);
    }
    return 0;
}

SEC("tp_btf/free_vmap_area_noflush")
int BPF_PROG(vmap_free) {
    if (current_thread()) {
        add(my_counters(), COUNT_VFREES, 1);
    }
    return 0;
}
