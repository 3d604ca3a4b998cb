// The few kernel types that the programs look into, declared here so that the build needs neither kernel
// headers nor BTF: preserve_access_index makes libbpf find each field's real place, and each enumerator's
// real value, in the BTF of the kernel that runs. Only the names must be the kernel's.
#pragma once

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

typedef _Bool bool;
enum { false, true };

// Of <linux/bpf.h>, user-visible and stable.
enum {
    BPF_ANY = 0,
    BPF_NOEXIST = 1,
    BPF_MAP_TYPE_ARRAY = 2,
    BPF_MAP_TYPE_PERCPU_HASH = 5,
    BPF_MAP_TYPE_PERCPU_ARRAY = 6,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pt_regs { // x86
    unsigned long si, dx;
};
struct user_pt_regs { // arm64: where its pt_regs begins
    unsigned long regs[31];
};

struct mm_struct {
    unsigned long brk;
};

struct task_struct {
    int pid;
    int tgid;
    struct mm_struct* mm;
};

struct address_space;

struct folio {
    struct address_space* mapping;
    unsigned long index;
    unsigned long _flags_1;
};

struct kmem_cache {
    unsigned int object_size;
    const char* name;
};

#pragma clang attribute pop

enum pageflags { PG_head = 6 };
enum vm_event_item { PSWPIN, PSWPOUT, PGFAULT, PGMAJFAULT };
enum node_stat_item { WORKINGSET_REFAULT_ANON, WORKINGSET_REFAULT_FILE };

// Members of mm_struct.rss_stat, an unnamed enum of the kernel whose values have stood since 4.5.
enum { MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES };
