// The maps, whose thread runs, and how to count.
#pragma once

// Set by the reader before loading: what nobody asked for is not compiled in.
const volatile bool want_kinds = false;
const volatile bool want_latency = false;
const volatile bool want_pages = false;
const volatile bool want_page_table = false;
const volatile bool want_slab_table = false;

// What is known of a thread of the trial between two events.
struct thread {
    __u64 fault_begin_ns;
    __u64 stall_begin_ns[3]; // by enum stall
    __u64 large_kmalloc;     // where the last one of these lies
    __u64 length;            // second and third argument of the system call it is in
    __u64 argument;
    __u64 brk;
    struct address_space* read_mapping; // the last read of a file: its next and its last page
    __u64 read_next;
    __u64 read_last;
    struct address_space* added_mapping; // pages that came into the page cache since then
    __u64 added_first;
    __u64 added_last;
    __u32 call;       // the number of the system call it is in, and 1; 0: none that counts
    __u32 error_code; // of the fault
    __u32 seen;       // since the fault began: enum seen
};

enum stall { STALL_RECLAIM, STALL_MEMCG_RECLAIM, STALL_COMPACTION };

struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct thread);
} threads SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct counters);
} totals SEC(".maps");

// The running thread's row, or null: not the trial's doing. An interrupt that strikes a thread of the trial is
// counted as its own: no helper tells them apart on kernels that hide their data symbols.
static __always_inline struct thread* current_thread(void) {
    return bpf_task_storage_get(&threads, bpf_get_current_task_btf(), 0, 0);
}

static __always_inline struct counters* my_counters(void) {
    const __u32 zero = 0;
    return bpf_map_lookup_elem(&totals, &zero);
}

// The row is this CPU's own, but a program may be preempted by one of the same trial on the same CPU.
static __always_inline void add(struct counters* counters, enum counter_id id, __u64 amount) {
    if (counters) {
        __sync_fetch_and_add(&counters->value[id], amount);
    }
}

static __always_inline __u32 floor_log2(__u64 value) {
    __u32 log = 0;
    for (__u32 step = 32; step > 0; step /= 2) {
        if (value >> step) {
            value >>= step;
            log += step;
        }
    }
    return log;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(fork, struct task_struct* parent, struct task_struct* child) {
    if (bpf_task_storage_get(&threads, parent, 0, 0)) {
        bpf_task_storage_get(&threads, child, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
    }
    return 0;
}
