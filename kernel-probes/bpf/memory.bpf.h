// The kernel's allocators: pages, slab, vmalloc.
#pragma once

enum { GFP_MOVABLE_BIT = 1 << 3, HUGE_ORDER = 9 }; // the bit has stood since the flags were given numbers

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
    __uint(max_entries, 1024);
    __type(key, __u64);
    __type(value, __u64);
} pages SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_HASH);
    __uint(max_entries, 4096);
    __type(key, struct slab_key);
    __type(value, struct slab_use);
} slabs SEC(".maps");

static __noinline void count_page_elsewhere(__u64 key) {
    __u64* calls = bpf_map_lookup_elem(&pages, &key);
    if (!calls) {
        const __u64 none = 0;
        bpf_map_update_elem(&pages, &key, &none, BPF_NOEXIST);
        calls = bpf_map_lookup_elem(&pages, &key);
    }
    struct cpu* cpu = this_cpu();
    if (calls) {
        ++*calls;
    } else if (cpu) {
        add(cpu, COUNT_PAGE_ROWS_LOST, 1);
    }
}

static __always_inline void count_page_row(struct cpu* cpu, __u32 order, __u32 gfp, __u16 migratetype) {
    const __u64 slot = ((gfp ^ order << 28) * 0x9E3779B1U) >> 26; // Knuth's multiplicative hash
    struct page_slot* there = &cpu->page_slots[slot & (PAGE_SLOTS - 1)];
    const __u64 key = gfp | (__u64)order << PAGE_KEY_ORDER | (__u64)migratetype << PAGE_KEY_MIGRATETYPE;
    if (there->calls == 0) {
        there->key = key;
    }
    if (there->key == key) {
        there->calls += 1;
    } else {
        count_page_elsewhere(key);
    }
}

// The orders, how many pages and of what type, the reader makes of the table.
SEC("tp_btf/mm_page_alloc")
int BPF_PROG(page_alloc, void* page, unsigned int order, unsigned int gfp, int migratetype) {
    struct thread* thread = current_thread(ctx);
    struct cpu* cpu = this_cpu();
    if (!cpu || !thread || !page) { // no page: it failed
        return 0;
    }
    if (gfp & GFP_MOVABLE_BIT) {
        fault_shows(cpu, &thread->fault,
                    order >= HUGE_ORDER ? SEEN_USER_PAGE | SEEN_HUGE_PAGE : SEEN_USER_PAGE);
    }
    if (want_pages) {
        count_page_row(cpu, order, gfp, migratetype);
    }
    return 0;
}

SEC("tp_btf/mm_page_free")
int BPF_PROG(page_free, void* page, unsigned int order) {
    struct cpu* cpu = trials_cpu(ctx);
    if (cpu) {
        add(cpu, COUNT_PAGES_FREED, 1UL << (order & 63));
    }
    return 0;
}

static __always_inline void count_slab_row(struct kmem_cache* cache, unsigned long call_site, __u64 bytes,
                                           struct cpu* cpu) {
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
        add(cpu, COUNT_SLAB_ROWS_LOST, 1);
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
int BPF_PROG(kmalloc, unsigned long call_site, const void* object, unsigned long requested,
             unsigned long bytes, unsigned int gfp, int node) {
    struct thread* thread = object ? current_thread(ctx) : 0;
    struct cpu* cpu = this_cpu();
    if (!cpu || !thread) {
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
    add(cpu, COUNT_KMALLOCS, 1);
    add(cpu, COUNT_KMALLOC_BYTES, bytes);
    add(cpu, COUNT_KMALLOC_REQUESTED_BYTES, requested);
    add(cpu, kmalloc_class(bytes), 1);
    if (want_slab_table) {
        count_slab_row(0, call_site, bytes, cpu);
    }
    return 0;
}

SEC("tp_btf/kfree")
int BPF_PROG(kfree, unsigned long call_site, const void* object) {
    struct thread* thread = object ? current_thread(ctx) : 0;
    struct cpu* cpu = this_cpu();
    if (cpu && thread) {
        if (thread->large_kmalloc == (__u64)object) {
            thread->large_kmalloc = 0;
        }
        add(cpu, COUNT_KFREES, 1);
    }
    return 0;
}

SEC("tp_btf/kmem_cache_alloc")
int BPF_PROG(cache_alloc, unsigned long call_site, const void* object, struct kmem_cache* cache) {
    struct cpu* cpu = object ? trials_cpu(ctx) : 0;
    if (!cpu) {
        return 0;
    }
    add(cpu, COUNT_SLAB_ALLOCS, 1);
    add(cpu, COUNT_SLAB_BYTES, cache->object_size);
    if (want_slab_table) {
        count_slab_row(cache, call_site, cache->object_size, cpu);
    }
    return 0;
}

SEC("tp_btf/kmem_cache_free")
int BPF_PROG(cache_free) {
    struct cpu* cpu = trials_cpu(ctx);
    if (cpu) {
        add(cpu, COUNT_SLAB_FREES, 1);
    }
    return 0;
}

SEC("tp_btf/alloc_vmap_area")
int BPF_PROG(vmap_alloc, unsigned long address, unsigned long size, unsigned long align, unsigned long start,
             unsigned long end, int failed) {
    struct cpu* cpu = trials_cpu(ctx);
    if (!cpu) {
        return 0;
    }
    if (failed) {
        add(cpu, COUNT_VMALLOC_FAILURES, 1);
    } else {
        add(cpu, COUNT_VMALLOCS, 1);
        add(cpu, COUNT_VMALLOC_BYTES, size);
    }
    return 0;
}

SEC("tp_btf/free_vmap_area_noflush")
int BPF_PROG(vmap_free) {
    struct cpu* cpu = trials_cpu(ctx);
    if (cpu) {
        add(cpu, COUNT_VFREES, 1);
    }
    return 0;
}
