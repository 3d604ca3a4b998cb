// The page cache: what comes in, what goes, and how often a read found what it asked for.
#pragma once

static __always_inline __u64 pages_of(struct folio* folio) {
    __u64 flags = 0;
    bpf_probe_read_kernel(&flags, sizeof flags, folio); // the first word, whatever type a kernel gives it
    const bool large = flags >> bpf_core_enum_value(enum pageflags, PG_head) & 1;
    return large ? 1UL << (BPF_CORE_READ(folio, _flags_1) & 63) : 1;
}

SEC("tp_btf/mm_filemap_add_to_page_cache")
int BPF_PROG(cache_add, struct folio* folio) {
    struct thread* thread = current_thread();
    if (!thread) {
        return 0;
    }
    const __u64 pages = pages_of(folio);
    add(my_counters(), COUNT_CACHE_ADDED, pages);
    struct address_space* mapping = BPF_CORE_READ(folio, mapping);
    const __u64 first = BPF_CORE_READ(folio, index);
    if (thread->added_mapping != mapping) {
        thread->added_mapping = mapping;
        thread->added_first = first;
        thread->added_last = first + pages - 1;
    } else { // a read brings in one run of pages
        if (first < thread->added_first) {
            thread->added_first = first;
        }
        if (first + pages - 1 > thread->added_last) {
            thread->added_last = first + pages - 1;
        }
    }
    return 0;
}

SEC("tp_btf/mm_filemap_delete_from_page_cache")
int BPF_PROG(cache_delete, struct folio* folio) {
    if (current_thread()) {
        add(my_counters(), COUNT_CACHE_REMOVED, pages_of(folio));
    }
    return 0;
}

// A read call asks for [index, last] again and again, as far as it has come: only the first asking is a
// lookup. What it brought in before it was answered, within what it asks for, it missed.
SEC("tp_btf/mm_filemap_get_pages")
int BPF_PROG(cache_get, struct address_space* mapping, unsigned long index, unsigned long last) {
    struct thread* thread = current_thread();
    if (!thread) {
        return 0;
    }
    struct counters* counters = my_counters();
    const bool goes_on =
        thread->read_mapping == mapping && thread->read_last == last && index >= thread->read_next;
    if (!goes_on && last >= index) {
        add(counters, COUNT_CACHE_LOOKUPS, last - index + 1);
    }
    if (thread->added_mapping == mapping) {
        const __u64 from = thread->added_first > index ? thread->added_first : index;
        const __u64 to = thread->added_last < last ? thread->added_last : last;
        if (to >= from) {
            add(counters, COUNT_CACHE_MISSES, to - from + 1);
        }
    }
    thread->added_mapping = 0;
    thread->read_mapping = mapping;
    thread->read_last = last;
    thread->read_next = index + 1;
    return 0;
}

SEC("tp_btf/mm_filemap_fault")
int BPF_PROG(filemap_fault) {
    struct thread* thread = current_thread();
    if (thread) {
        fault_shows(thread, SEEN_LOOKUP);
        add(my_counters(), COUNT_CACHE_FAULTS, 1);
    }
    return 0;
}

// Pages that a write brought in were not missed by the next read.
SEC("tp_btf/writeback_dirty_folio")
int BPF_PROG(cache_dirty, struct folio* folio, struct address_space* mapping) {
    struct thread* thread = current_thread();
    if (thread) {
        add(my_counters(), COUNT_CACHE_DIRTIED, pages_of(folio));
        if (thread->added_mapping == mapping) {
            thread->added_mapping = 0;
        }
    }
    return 0;
}

SEC("tp_btf/mod_memcg_lruvec_state")
int BPF_PROG(lruvec_state, void* memcg, int item, int count) {
    const bool file = item == (int)bpf_core_enum_value(enum node_stat_item, WORKINGSET_REFAULT_FILE);
    const bool anon = item == (int)bpf_core_enum_value(enum node_stat_item, WORKINGSET_REFAULT_ANON);
    if ((file || anon) && count > 0 && current_thread()) {
        add(my_counters(), file ? COUNT_REFAULTS_FILE : COUNT_REFAULTS_ANON, count);
    }
    return 0;
}
