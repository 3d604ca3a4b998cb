// What the trial asks of the kernel about its address space. A call counts when it did not fail.
#pragma once

// Their numbers on this machine, set by the reader.
const volatile __u32 nr_brk = 0;
const volatile __u32 nr_mmap = 0;
const volatile __u32 nr_munmap = 0;
const volatile __u32 nr_mremap = 0;
const volatile __u32 nr_madvise = 0;
const volatile __u32 nr_mprotect = 0;

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, ADVICE_KINDS + 1);
    __type(key, __u32);
    __type(value, struct advice_use);
} advices SEC(".maps");

#if defined(__TARGET_ARCH_arm64)
#define second_argument(registers) BPF_CORE_READ((struct user_pt_regs*)(registers), regs[1])
#define third_argument(registers) BPF_CORE_READ((struct user_pt_regs*)(registers), regs[2])
#else
#define second_argument(registers) BPF_CORE_READ(registers, si)
#define third_argument(registers) BPF_CORE_READ(registers, dx)
#endif

SEC("tp_btf/sys_enter")
int BPF_PROG(call_enter, struct pt_regs* regs, long id) {
    struct thread* thread = current_thread();
    if (!thread) {
        return 0;
    }
    fault_is_over(thread);
    add(my_counters(), COUNT_SYSTEM_CALLS, 1);
    const __u32 call = id;
    thread->call = 0;
    if (call == nr_brk || call == nr_mmap || call == nr_munmap || call == nr_mremap || call == nr_madvise ||
        call == nr_mprotect) {
        thread->call = call + 1;
        thread->length = second_argument(regs);
        thread->argument = third_argument(regs);
        if (call == nr_brk) {
            thread->brk = BPF_CORE_READ(bpf_get_current_task_btf(), mm, brk);
        }
    }
    return 0;
}

static __always_inline void count_madvise(__u32 advice, __u64 bytes, struct counters* counters) {
    add(counters, COUNT_MADVISE_CALLS, 1);
    add(counters, COUNT_MADVISE_BYTES, bytes);
    const __u32 row = advice < ADVICE_KINDS ? advice : ADVICE_KINDS;
    struct advice_use* use = bpf_map_lookup_elem(&advices, &row);
    if (use) {
        use->calls += 1;
        use->bytes += bytes;
    }
}

static __always_inline void count_growth(__u64 before, __u64 after, enum counter_id grown,
                                         enum counter_id shrunk, struct counters* counters) {
    if (after > before) {
        add(counters, grown, after - before);
    } else {
        add(counters, shrunk, before - after);
    }
}

SEC("tp_btf/sys_exit")
int BPF_PROG(call_exit, struct pt_regs* regs, long result) {
    struct thread* thread = current_thread();
    if (!thread || thread->call == 0) {
        return 0;
    }
    const __u32 call = thread->call - 1;
    const __u64 length = thread->length;
    thread->call = 0;
    struct counters* counters = my_counters();
    if (call == nr_brk) { // never fails: it says where the break is
        add(counters, COUNT_BRK_CALLS, 1);
        count_growth(thread->brk, result, COUNT_BRK_GROWN_BYTES, COUNT_BRK_SHRUNK_BYTES, counters);
    } else if (result < 0 && result >= -4095) {
        add(counters, COUNT_CALLS_FAILED, 1);
    } else if (call == nr_mmap) {
        add(counters, COUNT_MMAP_CALLS, 1);
        add(counters, COUNT_MMAP_BYTES, length);
    } else if (call == nr_munmap) {
        add(counters, COUNT_MUNMAP_CALLS, 1);
        add(counters, COUNT_MUNMAP_BYTES, length);
    } else if (call == nr_mprotect) {
        add(counters, COUNT_MPROTECT_CALLS, 1);
        add(counters, COUNT_MPROTECT_BYTES, length);
    } else if (call == nr_mremap) {
        add(counters, COUNT_MREMAP_CALLS, 1);
        count_growth(length, thread->argument, COUNT_MREMAP_GROWN_BYTES, COUNT_MREMAP_SHRUNK_BYTES, counters);
    } else {
        count_madvise(thread->argument, length, counters);
    }
    return 0;
}
