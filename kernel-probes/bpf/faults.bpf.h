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

// `bits` are news of the fault that the running thread is in, if it is in one.
static __always_inline void fault_shows(struct cpu* cpu, struct fault* fault, __u32 bits) {
    const __u32 seen = fault->seen;
    if (!want_kinds || (seen & (SEEN_EXCEPTION | SEEN_RECLAIM)) != SEEN_EXCEPTION || (seen & bits) == bits) {
        return;
    }
    fault->seen = seen | bits;
    const __u32 before = fault->kind;
    const __u32 kind = kind_of(seen | bits, fault->error_code);
    if (kind != before) {
        add(cpu, kind, 1);
        if (before < COUNTER_COUNT) { // always: for the verifier
            add(cpu, before, -1);
        }
        fault->kind = kind;
    }
}

// Whatever happens next is no part of a fault.
static __always_inline void fault_is_over(struct fault* fault) {
    fault->seen &= SEEN_RECLAIM;
}

static __always_inline void fault_begins(const void* ctx, enum counter_id mode, __u32 error_code) {
    struct thread* thread = current_thread(ctx);
    struct cpu* cpu = this_cpu();
    if (!thread || !cpu) {
        return;
    }
    add(cpu, mode, 1);
    if (want_kinds) {
        struct fault* fault = &thread->fault;
        fault->seen = SEEN_EXCEPTION | (fault->seen & SEEN_RECLAIM);
        fault->error_code = error_code;
        const __u32 kind = kind_of(0, error_code);
        fault->kind = kind;
        add(cpu, kind, 1);
    }
    if (want_latency) {
        thread->fault.begin_ns = bpf_ktime_get_ns();
    }
}

SEC("tp_btf/page_fault_user")
int BPF_PROG(fault_user, unsigned long address, struct pt_regs* regs, unsigned long error_code) {
    fault_begins(ctx, COUNT_FAULTS_USER_MODE, error_code);
    return 0;
}

SEC("tp_btf/page_fault_kernel")
int BPF_PROG(fault_kernel, unsigned long address, struct pt_regs* regs, unsigned long error_code) {
    fault_begins(ctx, COUNT_FAULTS_KERNEL_MODE, error_code);
    return 0;
}

SEC("tp_btf/rss_stat")
int BPF_PROG(rss, struct mm_struct* mm, int member) {
    struct thread* thread = current_thread(ctx);
    struct cpu* cpu = this_cpu();
    if (cpu && thread && member >= MM_FILEPAGES && member <= MM_SHMEMPAGES) {
        fault_shows(cpu, &thread->fault, SEEN_FILE << member);
    }
    return 0;
}

static __always_inline void fault_took(__u32 kind, __u64 ns, struct cpu* cpu) {
    add(cpu, COUNT_FAULT_NS, ns);
    struct latency* latency = bpf_map_lookup_elem(&latencies, &kind);
    __u32 slot = floor_log2(ns);
    if (latency && slot < LATENCY_SLOTS) {
        latency->slots[slot] += 1;
    }
}

static __always_inline void fault_ends(struct cpu* cpu, struct fault* fault) {
    add(cpu, fault->seen & SEEN_MAJOR ? COUNT_FAULTS_MAJOR : COUNT_FAULTS_MINOR, 1);
    if (want_kinds && !(fault->seen & SEEN_EXCEPTION)) {
        add(cpu, COUNT_FAULTS_IN_CALLS, 1);
    } else if (want_latency) {
        fault_took(fault->kind - COUNT_FAULTS_ANONYMOUS, bpf_ktime_get_ns() - fault->begin_ns, cpu);
    }
    fault_is_over(fault);
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
    struct thread* thread = current_thread(ctx);
    struct cpu* cpu = this_cpu();
    if (!thread || !cpu) {
        return 0;
    }
    if (is_item(item, PGFAULT)) {
        fault_ends(cpu, &thread->fault);
    } else if (is_item(item, PGMAJFAULT)) {
        thread->fault.seen |= SEEN_MAJOR;
    } else if (is_item(item, PSWPIN)) {
        add(cpu, COUNT_SWAP_IN, count);
    } else if (is_item(item, PSWPOUT)) {
        add(cpu, COUNT_SWAP_OUT, count);
    }
    return 0;
}
