"""What a result document says about its host: warnings, probes and the metrics they give."""

from __future__ import annotations


DOCTOR = [
    {
        "id": "governor",
        "status": "warn",
        "what": "the CPU frequency governor is ondemand",
        "remedy": "cpupower frequency-set -g performance",
    },
    {"id": "aslr", "status": "ok", "what": "address space randomisation is on", "remedy": ""},
    {
        "id": "steal",
        "status": "warn",
        "what": "the hypervisor took 2.1 % of the CPU time from this guest in the last minute",
        "remedy": "run again when the host is quiet, or with more rounds",
    },
    {"id": "load", "status": "ok", "what": "load average 0.4 on 2 CPUs", "remedy": ""},
]

CAPABILITIES = [
    {"group": "faults", "layer": "procfs", "status": "ok", "reason": "", "errno": 0, "remedy": ""},
    {"group": "rss", "layer": "procfs", "status": "ok", "reason": "", "errno": 0, "remedy": ""},
    {
        "group": "pagecache",
        "layer": "procfs",
        "status": "degraded",
        "reason": "only host-wide figures: other processes are counted too",
        "errno": 0,
        "remedy": "run as root with BPF for figures of the trial alone",
    },
    {
        "group": "faults",
        "layer": "perf-sw",
        "status": "unavailable",
        "reason": "perf_event_open: Permission denied",
        "errno": 13,
        "remedy": "sysctl kernel.perf_event_paranoid=1",
    },
]

METRICS = [
    {
        "name": "mmap_calls",
        "group": "syscalls",
        "layer": "perf-sw",
        "kind": "counter",
        "scope": "process",
        "help": "calls of mmap (tracepoint syscalls:sys_enter_mmap)",
    },
    {
        "name": "pgfault_host",
        "group": "faults",
        "layer": "procfs",
        "kind": "counter",
        "scope": "host",
        "help": "page faults of the whole host (/proc/vmstat: pgfault)",
    },
]
HOST = {
    "fingerprint": "9f2c6a77d1e04b38",
    "deciding": {
        "kernel": "6.1.0-18-amd64",
        "machine": "x86_64",
        "cpu_model": "AMD EPYC 7B13",
        "cpus": 2,
        "memory_bytes": 8_589_934_592,
        "libc": "glibc 2.36",
        "thp": "madvise",
        "swappiness": 60,
        "overcommit": 0,
        "aslr": 2,
        "governor": "ondemand",
    },
    "hostname": "bench",
    "load_average": [0.41, 0.38, 0.3],
    "uptime_s": 84_211,
    "swap_bytes": 0,
    "virtualization": "kvm",
    "distribution": "Debian GNU/Linux 12 (bookworm)",
}
