// The maps, whose thread runs, and how to count.
#pragma once

// Set by the reader before loading: what nobody asked for is not compiled in.
const volatile bool want_kinds = false;
const volatile bool want_latency = false;
const volatile bool want_pages = false;
const volatile bool want_slab_table = false;

// The fault that a thread is in.
struct fault {
    __u32 seen; // since it began: enum seen
    __u32 error_code;
    __u32 kind; // that it is counted under
    __u32 unused;
    __u64 begin_ns;
};

// What is known of a thread of the trial between two events.
struct thread {
    __u32 pid;  // whose row it is; 0: nobody's
    __u32 call; // the number of the system call it is in, and 1; 0: none that counts
    struct fault fault;
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
};

enum { THREAD_ROWS = 1 << 15 };

enum stall { STALL_RECLAIM, STALL_MEMCG_RECLAIM, STALL_COMPACTION };

// By the low bits of the thread's number, so that finding it is an addition and not a search. Two threads of one
// trial whose numbers are a multiple of THREAD_ROWS apart cannot both be counted; a trial does not live that long.
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
    __type(value, struct cpu);
} cpus SEC(".maps");

static __always_inline struct thread* row_of(__u32 pid) {
    const __u32 row = pid % THREAD_ROWS;
    return bpf_map_lookup_elem(&threads, &row);
}

// Null: not of the trial.
static __always_inline struct thread* thread_of(__u32 pid) {
    struct thread* thread = row_of(pid);
    return thread && pid != 0 && thread->pid == pid ? thread : 0;
}

static __always_inline struct cpu* this_cpu(void) {
    const __u32 zero = 0;
    return bpf_map_lookup_elem(&cpus, &zero);
}

// Goes up whenever a kernel stack may get another owner, or its owner another number.
__u64 epoch = 1;

static __always_inline void forget_who_runs(void) {
    __sync_fetch_and_add(&epoch, 1);
}

enum { STRANGER = ~0U };           // in cpu.running: no thread of the trial
enum { STACK_SHIFT = 14 };         // kernel stacks are as large, or larger, and lie at multiples of it
enum { TASK_IS_EXITING = 1 << 2 }; // PF_EXITING

// Asks the kernel who runs. Remembered is what was found on a thread's own stack, not on an interrupt's, and not of
// a thread that will soon have none.
static __noinline void find_who_runs(__u64 stack) {
    struct cpu* cpu = this_cpu();
    if (!cpu) {
        return;
    }
    cpu->epoch = epoch;
    const struct task_struct* task = bpf_get_current_task_btf();
    const __u32 pid = task->pid;
    cpu->running = thread_of(pid) ? pid : STRANGER;
    const bool lasts = stack == (__u64)task->stack >> STACK_SHIFT && !(task->flags & TASK_IS_EXITING);
    cpu->stack = lasts ? stack : 0;
}

// The running thread's row, or null: not the trial's doing. An interrupt that strikes a thread of the trial is
// counted as its own: no helper tells them apart on kernels that hide their data symbols.
//
// Asking the kernel each time would cost as much as all the counting. A program's context lies on the stack of who
// runs it, so where that lies says who it is. (Noting at sched_switch who runs would be as cheap, but where it was
// tried, on 6.18, one switch of some hundred did not reach the program.)
static __always_inline struct thread* current_thread(const void* context) {
    struct cpu* cpu = this_cpu();
    if (!cpu) {
        return 0;
    }
    // By way of memory: the verifier lets no pointer be shifted.
    *(const void* volatile*)&cpu->context = context;
    const __u64 stack = *(volatile __u64*)&cpu->context >> STACK_SHIFT;
    if (cpu->stack != stack || cpu->epoch != epoch) {
        find_who_runs(stack);
    }
    const __u32 running = cpu->running;
    return running == STRANGER ? 0 : row_of(running);
}

// This CPU if a thread of the trial runs on it, or null.
static __always_inline struct cpu* trials_cpu(const void* context) {
    return current_thread(context) ? this_cpu() : 0;
}

// The row is this CPU's own. An interrupt between reading and writing could lose a count; a locked addition,
// which could not, costs a tenth of a fault.
static __always_inline void add(struct cpu* cpu, enum counter_id id, __u64 amount) {
    cpu->counters.value[id] += amount;
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
        forget_who_runs();
    }
    return 0;
}

// A thread that becomes another program takes over the number of its process.
SEC("tp_btf/sched_process_exec")
int BPF_PROG(executed) {
    forget_who_runs();
    return 0;
}

// Its stack is free from now on, as soon as it has come to its end.
SEC("tp_btf/sched_process_exit")
int BPF_PROG(exiting, struct task_struct* task) {
    if (thread_of(task->pid)) {
        forget_who_runs();
    }
    return 0;
}

// Its number may be another's from now on.
SEC("tp_btf/sched_process_free")
int BPF_PROG(gone, struct task_struct* task) {
    struct thread* thread = thread_of(task->pid);
    if (thread) {
        thread->pid = 0;
        forget_who_runs();
    }
    return 0;
}
