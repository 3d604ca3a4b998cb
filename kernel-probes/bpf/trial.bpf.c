// The programs that count what a trial makes the kernel do. All are tp_btf: tracepoints with typed arguments.
//
// A thread belongs to the trial when it has a row in `threads`. The reader gives the first thread one before
// it runs; every thread and process that a member makes gets its own at its fork, and loses it with its life.
// Nothing else is looked at, so other processes pay for one lookup that finds nothing.
#include "kernel.bpf.h"

#include <bpf/bpf_helpers.h>
// in this order
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "counters.h"
#include "trial.bpf.h"

char LICENSE[] SEC("license") = "GPL"; // bpf_probe_read_kernel asks for it

#include "faults.bpf.h"
#include "memory.bpf.h"
#include "pagecache.bpf.h"
#include "stalls.bpf.h"
#include "syscalls.bpf.h"
