// The maps, whose thread runs, and how to count.
#pragma once

// Set by the reader before loading: what nobody asked for is not compiled in.
const volatile bool want_kinds = false;
const volatile bool want_latency = false;
const volatile bool want_pages = false;
const volatile bool want_slab_table = false;
// Set where the kernel asks for it, see argument().
const volatile bool arguments_by_helper = false;

// A tracepoint's argument of type `const void*`. Linux 6.1's verifier, and those before, take that for something unknown
// and refuse programs that read it; a helper may read it all the same, for some nanoseconds more.
static __always_inline const void* argument(const unsigned long long* ctx, unsigned index) {
    if (arguments_by_helper) {
        const void* value = 0;
        bpf_probe_read_kernel(&value, sizeof value, ctx + index);
        return value;
    }
    return (const void*)((const volatile unsigned long long*)ctx)[index];
}

// What is known of a thread of the trial between two events.
struct thread {
    __u32 pid; // whose row it is; 0: nobody's
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
    __u32 kind;       // that the fault is counted under
};

enum { THREAD_ROWS = 1 << 15 };

enum stall { STALL_RECLAIM, STALL_MEMCG_RECLAIM, STALL_COMPACTION };

// By the low bits of the thread's number, so that finding it is an addition and not a search: a lookup in task
// storage or in a hash would cost more than all the counting. Two threads of one trial whose numbers are a
// multiple of THREAD_ROWS apart cannot both be counted; a trial does not live that long.
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, THREAD_ROWS);
    __type(key, __u32);
    __type(value, struct thread);
} threads SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct counters);
} totals SEC(".maps");

static __always_inline struct thread* row_of(__u32 pid) {
    const __u32 row = pid % THREAD_ROWS;
    return bpf_map_lookup_elem(&threads, &row);
}

// Null: not of the trial.
static __always_inline struct thread* thread_of(__u32 pid) {
    struct thread* thread = row_of(pid);
    return thread && pid != 0 && thread->pid == pid ? thread : 0;
}

// The running thread's row, or null: not the trial's doing. An interrupt that strikes a thread of the trial is
// counted as its own: no helper tells them apart on kernels that hide their data symbols.
static __always_inline struct thread* current_thread(void) {
    return thread_of((__u32)bpf_get_current_pid_tgid());
}

static __always_inline struct counters* my_counters(void) {
    const __u32 zero = 0;
    return bpf_map_lookup_elem(&totals, &zero);
}

// The row is this CPU's own. An interrupt between reading and writing could lose a count; a locked addition,
// which could not, costs a tenth of a fault.
static __always_inline void add(struct counters* counters, enum counter_id id, __u64 amount) {
    if (counters) {
        counters->value[id] += amount;
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
    if (thread_of(parent->pid)) {
        struct thread* thread = row_of(child->pid);
        if (thread) {
            const struct thread fresh = {.pid = child->pid};
            *thread = fresh;
        }
    }
    return 0;
}

// Its number may be another's from now on.
SEC("tp_btf/sched_process_free")
int BPF_PROG(gone, struct task_struct* task) {
    struct thread* thread = thread_of(task->pid);
    if (thread) {
        thread->pid = 0;
    }
    return 0;
}
