// Page faults by kind, told apart by what happens after the exception. A fault is counted under the kind that it
// is by what is known so far, at once when it begins, and moves when more is known: nothing need be heard of its
// end, since a program on one more tracepoint costs more than everything it could do. What happens after a system
// call began, or after the end of the fault where that is heard (count_memcg_events of PGFAULT), is no part of it.
#pragma once

enum seen {
    SEEN_EXCEPTION = 1 << 0, // a fault has begun, and nothing says that it is over
    SEEN_FILE = 1 << 1,      // rss_stat of that member
    SEEN_ANON = 1 << 2,
    SEEN_SWAP = 1 << 3,
    SEEN_SHMEM = 1 << 4,
    SEEN_USER_PAGE = 1 << 5, // a movable page was allocated
    SEEN_HUGE_PAGE = 1 << 6,
    SEEN_MAJOR = 1 << 7,
    SEEN_LOOKUP = 1 << 8,  // of a page of a file
    SEEN_RECLAIM = 1 << 9, // in progress: what happens to counters and pages is others' affair
};

// Bits of x86's error code.
enum { ERROR_PRESENT = 1, ERROR_WRITE = 2 };

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, FAULT_KINDS);
    __type(key, __u32);
    __type(value, struct latency);
} latencies SEC(".maps");

static __always_inline enum counter_id kind_of(__u32 seen, __u32 error_code) {
    if (seen & SEEN_SWAP) {
        return COUNT_FAULTS_SWAP;
    }
    if (seen & SEEN_SHMEM && !(seen & SEEN_ANON)) {
        return COUNT_FAULTS_SHMEM;
    }
    if (seen & SEEN_ANON) {
        // Of a page of a file, of shared memory, or of zeros that was mapped, or straight from the page cache.
        const bool over = seen & (SEEN_FILE | SEEN_SHMEM | SEEN_LOOKUP) || error_code & ERROR_PRESENT;
        return over ? COUNT_FAULTS_COW : seen & SEEN_HUGE_PAGE ? COUNT_FAULTS_HUGE : COUNT_FAULTS_ANONYMOUS;
    }
    if (seen & SEEN_FILE) {
        return COUNT_FAULTS_FILE;
    }
    if (error_code & ERROR_PRESENT && error_code & ERROR_WRITE) {
        return seen & SEEN_USER_PAGE ? COUNT_FAULTS_COW : COUNT_FAULTS_REUSE;
    }
    return error_code & (ERROR_PRESENT | ERROR_WRITE) ? COUNT_FAULTS_OTHER : COUNT_FAULTS_ZERO_PAGE;
}

// `bits` are news of the fault that the thread is in, if it is in one.
static __always_inline void fault_shows(struct thread* thread, __u32 bits) {
    const __u32 seen = thread->seen;
    if (!want_kinds || (seen & (SEEN_EXCEPTION | SEEN_RECLAIM)) != SEEN_EXCEPTION || (seen & bits) == bits) {
        return;
    }
    thread->seen = seen | bits;
    const __u32 before = thread->kind;
    const __u32 kind = kind_of(seen | bits, thread->error_code);
    if (kind != before) {
        struct counters* counters = my_counters();
        add(counters, kind, 1);
        if (before < COUNTER_COUNT) { // always: for the verifier
            add(counters, before, -1);
        }
        thread->kind = kind;
    }
}

// Whatever happens next is no part of a fault.
static __always_inline void fault_is_over(struct thread* thread) {
    thread->seen &= SEEN_RECLAIM;
}

static __always_inline void fault_begins(enum counter_id mode, __u64 error_code) {
    struct thread* thread = current_thread();
    if (!thread) {
        return;
    }
    struct counters* counters = my_counters();
    add(counters, mode, 1);
    if (want_kinds) {
        thread->seen = SEEN_EXCEPTION | (thread->seen & SEEN_RECLAIM);
        thread->error_code = error_code;
        thread->kind = kind_of(0, error_code);
        add(counters, thread->kind, 1);
    }
    if (want_latency) {
        thread->fault_begin_ns = bpf_ktime_get_ns();
    }
}

SEC("tp_btf/page_fault_user")
int BPF_PROG(fault_user, unsigned long address, struct pt_regs* regs, unsigned long error_code) {
    fault_begins(COUNT_FAULTS_USER_MODE, error_code);
    return 0;
}

SEC("tp_btf/page_fault_kernel")
int BPF_PROG(fault_kernel, unsigned long address, struct pt_regs* regs, unsigned long error_code) {
    fault_begins(COUNT_FAULTS_KERNEL_MODE, error_code);
    return 0;
}

SEC("tp_btf/rss_stat")
int BPF_PROG(rss, struct mm_struct* mm, int member) {
    struct thread* thread = current_thread();
    if (thread && member >= MM_FILEPAGES && member <= MM_SHMEMPAGES) {
        fault_shows(thread, SEEN_FILE << member);
    }
    return 0;
}

static __always_inline void fault_took(__u32 kind, __u64 ns, struct counters* counters) {
    add(counters, COUNT_FAULT_NS, ns);
    struct latency* latency = bpf_map_lookup_elem(&latencies, &kind);
    __u32 slot = floor_log2(ns);
    if (latency && slot < LATENCY_SLOTS) {
        latency->slots[slot] += 1;
    }
}

static __always_inline void fault_ends(struct thread* thread, struct counters* counters) {
    const __u32 seen = thread->seen;
    add(counters, seen & SEEN_MAJOR ? COUNT_FAULTS_MAJOR : COUNT_FAULTS_MINOR, 1);
    if (want_kinds && !(seen & SEEN_EXCEPTION)) {
        add(counters, COUNT_FAULTS_IN_CALLS, 1);
    } else if (want_latency) {
        fault_took(thread->kind - COUNT_FAULTS_ANONYMOUS, bpf_ktime_get_ns() - thread->fault_begin_ns,
                   counters);
    }
    fault_is_over(thread);
}

#define is_item(item, name)                                                                                  \
    (bpf_core_enum_value_exists(enum vm_event_item, name) &&                                                 \
     (item) == (int)bpf_core_enum_value(enum vm_event_item, name))

SEC("tp_btf/count_memcg_events")
int BPF_PROG(memcg_event, void* memcg, int item, unsigned long count) {
    if (!is_item(item, PGFAULT) && !is_item(item, PGMAJFAULT) && !is_item(item, PSWPIN) &&
        !is_item(item, PSWPOUT)) {
        return 0;
    }
    struct thread* thread = current_thread();
    if (!thread) {
        return 0;
    }
    struct counters* counters = my_counters();
    if (is_item(item, PGFAULT)) {
        fault_ends(thread, counters);
    } else if (is_item(item, PGMAJFAULT)) {
        thread->seen |= SEEN_MAJOR;
    } else if (is_item(item, PSWPIN)) {
        add(counters, COUNT_SWAP_IN, count);
    } else if (is_item(item, PSWPOUT)) {
        add(counters, COUNT_SWAP_OUT, count);
    }
    return 0;
}
