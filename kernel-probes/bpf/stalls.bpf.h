// Where the trial's threads stand and wait for memory: reclaim, compaction; and what ends them: oom. TLB
// flushes.
#pragma once

static __always_inline void stall_begins(enum stall stall) {
    struct thread* thread = current_thread();
    if (thread) {
        thread->stall_begin_ns[stall] = bpf_ktime_get_ns();
        if (stall != STALL_COMPACTION) {
            thread->seen |= SEEN_RECLAIM;
        }
    }
}

static __always_inline void stall_ends(enum stall stall, enum counter_id calls, enum counter_id ns) {
    struct thread* thread = current_thread();
    if (thread && thread->stall_begin_ns[stall] != 0) {
        struct counters* counters = my_counters();
        add(counters, calls, 1);
        add(counters, ns, bpf_ktime_get_ns() - thread->stall_begin_ns[stall]);
        thread->stall_begin_ns[stall] = 0;
        if (stall != STALL_COMPACTION) {
            thread->seen &= ~SEEN_RECLAIM;
        }
    }
}

static __always_inline void reclaim_ends(enum stall stall, enum counter_id calls, enum counter_id ns,
                                         __u64 reclaimed) {
    if (current_thread()) {
        add(my_counters(), COUNT_RECLAIM_STOLEN, reclaimed);
    }
    stall_ends(stall, calls, ns);
}

#define STALL_BEGINS(tracepoint, program, stall)                                                             \
    SEC("tp_btf/" #tracepoint)                                                                               \
    int BPF_PROG(program) {                                                                                  \
        stall_begins(stall);                                                                                 \
        return 0;                                                                                            \
    }

STALL_BEGINS(mm_vmscan_direct_reclaim_begin, reclaim_begin, STALL_RECLAIM)
STALL_BEGINS(mm_vmscan_memcg_reclaim_begin, memcg_reclaim_begin, STALL_MEMCG_RECLAIM)
STALL_BEGINS(mm_compaction_begin, compaction_begin, STALL_COMPACTION)

SEC("tp_btf/mm_vmscan_direct_reclaim_end")
int BPF_PROG(reclaim_end, unsigned long reclaimed) {
    reclaim_ends(STALL_RECLAIM, COUNT_RECLAIMS, COUNT_RECLAIM_NS, reclaimed);
    return 0;
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_end")
int BPF_PROG(memcg_reclaim_end, unsigned long reclaimed) {
    reclaim_ends(STALL_MEMCG_RECLAIM, COUNT_MEMCG_RECLAIMS, COUNT_MEMCG_RECLAIM_NS, reclaimed);
    return 0;
}

SEC("tp_btf/mm_compaction_end")
int BPF_PROG(compaction_end) {
    stall_ends(STALL_COMPACTION, COUNT_COMPACTIONS, COUNT_COMPACTION_NS);
    return 0;
}

SEC("tp_btf/mm_vmscan_lru_shrink_inactive")
int BPF_PROG(shrink_inactive, int node, unsigned long scanned) {
    struct thread* thread = current_thread();
    if (thread && thread->seen & SEEN_RECLAIM) {
        add(my_counters(), COUNT_RECLAIM_SCANNED, scanned);
    }
    return 0;
}

SEC("tp_btf/mark_victim")
int BPF_PROG(oom_victim, struct task_struct* victim) {
    if (thread_of(victim->pid)) {
        add(my_counters(), COUNT_OOM_VICTIMS, 1);
    }
    return 0;
}

SEC("tp_btf/tlb_flush")
int BPF_PROG(tlb_flush, int reason, unsigned long pages) {
    enum { LOCAL = 2, LOCAL_MM = 3, REMOTE_SEND = 4 }; // enum tlb_flush_reason
    if ((reason == LOCAL || reason == LOCAL_MM || reason == REMOTE_SEND) && current_thread()) {
        add(my_counters(), reason == REMOTE_SEND ? COUNT_TLB_SHOOTDOWNS : COUNT_TLB_FLUSHES, 1);
    }
    return 0;
}
