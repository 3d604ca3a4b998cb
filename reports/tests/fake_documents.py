"""Realistic result documents from a seed, for the tests and for looking at pages.

`python3 fake_documents.py [--rounds N ...] > results.json` writes one.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import sys
from collections.abc import Sequence
from typing import Any

WORKLOADS = (
    ("pair:size=64", "pair", 1, "Allocates and frees one block of 64 bytes, again and again"),
    ("batch:order=shuffled,size=256", "batch", 1, "Allocates 1,000 blocks, frees them in random order"),
    (
        "larson2",
        "larsonN",
        2,
        "A server's request pattern: blocks freed by another thread than allocated them",
    ),
    ("xmalloc-test2", "xmalloc-testN", 2, "Producers allocate, consumers free"),
    (
        "glibc-simple",
        "glibc-simple",
        1,
        "Small blocks in batches, half freed first-in first-out, half last-in first-out",
    ),
    (
        "glibc-thread2",
        "glibc-threadN",
        2,
        "1,024 slots a thread, sizes by inverse square from 4 to 32,768 bytes",
    ),
    ("cache-scratch2", "cache-scratchN", 2, "Passive false sharing of cache lines"),
    ("malloc-large", "malloc-large", 1, "20 slots of 5 to 25 MiB, replaced 2,000 times"),
    ("mstress2", "mstressN", 2, "Blocks of many sizes that live through the end of their threads"),
    ("trace:lua", "replay", 1, "A recorded run of the Lua interpreter"),
    ("trace:git-log", "replay", 1, "A recorded run of git log"),
    ("surfaceflinger", "replay", 15, "Android's compositor, from start-up through use of the phone"),
)
ALLOCATORS = {
    # name: time factor, memory factor, fault factor, retained share, version, path
    "system": (1.0, 1.0, 1.0, 0.55, "2.36", "/usr/lib/x86_64-linux-gnu/libc.so.6"),
    "jemalloc": (
        0.82,
        1.12,
        0.7,
        0.35,
        "5.3.0-0-g54eaed1d8b56b1aa528be3bdd1877e59c56fa90c",
        "/usr/lib/libjemalloc.so.2",
    ),
    "mimalloc": (0.71, 1.21, 0.62, 0.5, "2.0.9", "/usr/lib/x86_64-linux-gnu/libmimalloc.so.2.0"),
    "tcmalloc": (0.74, 1.35, 0.66, 0.9, "gperftools 2.10", "/usr/lib/libtcmalloc_minimal.so.4"),
    "tbbmalloc": (0.93, 1.4, 0.8, 0.8, "2021.8", "/usr/lib/libtbbmalloc_proxy.so.2"),
    "scudo": (1.9, 1.05, 1.3, 0.4, "14", "/usr/lib/llvm-14/lib/libclang_rt.scudo_standalone.so"),
    "slabuddy": (0.995, 1.15, 0.9, 0.45, "0.1.0", "/opt/faultline/lib/libslabuddy.so"),
}
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


def make(
    seed: int = 1,
    rounds: int = 20,
    workloads: Sequence[tuple[str, str, int, str]] = WORKLOADS,
    allocators: Sequence[str] = tuple(ALLOCATORS)[:6],
    baseline_noise: float = 0.015,
    samples: int = 80,
    floor: bool = True,
    shape_spread: float = 0.12,
) -> dict[str, Any]:
    """A whole document: autocorrelated drift shared by a round's trials, heavy-tailed noise in times, steady
    counts."""
    rng = random.Random(seed)
    names = [*allocators, *(["null"] if floor else [])]
    factors = {name: ALLOCATORS.get(name) or _unknown(name, rng) for name in names}
    shape = {(w[0], n): math.exp(rng.gauss(0, shape_spread)) for w in workloads for n in names}
    trials: list[dict[str, Any]] = []
    drift, clock = 0.0, 1_000_000_000_000
    for number in range(rounds):
        drift = 0.6 * drift + rng.gauss(0, 0.04)
        plan = [(w, n) for w in workloads for n in names]
        rng.shuffle(plan)
        for position, (workload, name) in enumerate(plan):
            noise = math.exp(drift + shape_noise(rng, baseline_noise))
            clock += 900_000_000
            trials.append(
                _trial(
                    rng,
                    workload,
                    name,
                    factors[name],
                    shape[workload[0], name],
                    noise,
                    number,
                    position,
                    clock,
                    samples,
                )
            )
    return {
        "schema": "faultline-results/1",
        "complete": True,
        "tool": {
            "version": "0.1.0",
            "command": [
                "faultline",
                "run",
                "quick",
                "-a",
                ",".join(allocators),
                "--rounds",
                str(rounds),
                "-o",
                "results.json",
            ],
            "started": "2026-03-01T10:00:00Z",
            "finished": "2026-03-01T10:24:10Z",
            "working_directory": "/home/user",
        },
        "host": {
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
        },
        "doctor": DOCTOR,
        "plan": {
            "suite": "quick",
            "seed": 20_260_301,
            "rounds": rounds,
            "idle_ms": 100,
            "probes": ["faults", "rss", "pagecache"],
            "timeout_s": 60,
            "memory_limit_bytes": None,
            "environment": {},
            "workloads": [
                {
                    "workload": w[0],
                    "pattern": w[1],
                    "threads": w[2],
                    "parameters": {"operations": "500000"},
                    "summary": w[3],
                    "citation": "mimalloc-bench",
                }
                for w in workloads
            ],
            "allocators": [
                {
                    "name": n,
                    "path": factors[n][5],
                    "version": factors[n][4],
                    "version_source": 'mallctl("version")',
                    "sha256": f"{rng.getrandbits(256):064x}",
                    "role": "floor" if n == "null" else "subject",
                }
                for n in names
            ],
            "skipped": [
                {"workload": "malloc-huge", "allocator": "null", "reason": "never freeing would need 44 GiB"}
            ],
        },
        "capabilities": CAPABILITIES,
        "metrics": METRICS,
        "trials": trials,
        "rounds_whole": rounds,
        "context": {"date": "2026-03-01T10:00:00Z"},
        "benchmarks": [],
    }


def shape_noise(rng: random.Random, sigma: float) -> float:
    return rng.gauss(0, sigma) + (abs(rng.gauss(0, 6 * sigma)) if rng.random() < 0.06 else 0.0)


def _unknown(name: str, rng: random.Random) -> tuple[float, float, float, float, str, str]:
    if name == "null":
        return (0.08, 2.2, 1.9, 1.0, "0.1.0", "/opt/faultline/lib/libnullmalloc.so")
    return (
        rng.uniform(0.7, 1.4),
        rng.uniform(0.9, 1.5),
        rng.uniform(0.6, 1.4),
        rng.uniform(0.2, 0.9),
        "",
        f"/opt/{name}.so",
    )


def _trial(
    rng: random.Random,
    workload: tuple[str, str, int, str],
    name: str,
    factor: Any,
    shape: float,
    noise: float,
    number: int,
    position: int,
    begin: int,
    samples: int,
) -> dict[str, Any]:
    label, pattern, threads, _ = workload
    base_ns = 18.0 + 9 * (sum(map(ord, label)) % 11)
    operations = 2_000_000
    cpu = base_ns * factor[0] * shape * noise * operations
    wall = cpu / threads * math.exp(abs(rng.gauss(0, 0.02)))
    memory = (4 + sum(map(ord, label)) % 60) * 2**20
    peak = int(memory * factor[1] * (1 + rng.gauss(0, 0.0008))) // 4096 * 4096
    retained = int(peak * factor[3] * (1 + rng.gauss(0, 0.002))) // 4096 * 4096
    faults = int(peak / 4096 * factor[2] * (1 + rng.gauss(0, 0.0001)))
    phases, at = [], begin
    for phase, share in (("start", 0.03), ("warmup", 0.1), ("measure", 1.0), ("drain", 0.05), ("idle", 0.0)):
        phase_wall = int(wall * share) if phase != "idle" else 100_000_000
        phase_cpu = int(cpu * share)
        user = int(phase_cpu * (0.9 - 0.1 * factor[2]))
        part = {"start": 0, "warmup": 0.7, "measure": 0.28, "drain": 0.02, "idle": 0}[phase]
        phases.append(
            {
                "name": phase,
                "begin_ns": at,
                "wall_ns": phase_wall,
                "cpu_ns": phase_cpu,
                "user_ns": user,
                "system_ns": phase_cpu - user,
                "operations": operations if phase == "measure" else 0,
                "minor_faults": 210 if phase == "start" else int(faults * part),
                "major_faults": 0,
                "voluntary_switches": rng.randrange(4),
                "involuntary_switches": rng.randrange(9),
                "kernel": {
                    "mmap_calls": int(20 * factor[2]) if phase == "measure" else 1,
                    "pgfault_host": None,
                },
            }
        )
        at += phase_wall
    latency = []
    if pattern in ("larsonN", "replay"):
        for operation, slow in (("malloc", 1.0), ("free", 0.8)):
            p50 = base_ns * factor[0] * slow * noise
            latency.append(
                {
                    "operation": operation,
                    "size_class": "all",
                    "unit": "ns",
                    "count": operations // 64,
                    "sampled_every": 64,
                    "p50_ns": round(p50),
                    "p90_ns": round(p50 * 1.6),
                    "p99_ns": round(p50 * 6),
                    "p999_ns": round(p50 * 40 * shape),
                    "p9999_ns": round(p50 * 400 * shape),
                    "max_ns": round(p50 * 9000 * math.exp(rng.gauss(0, 0.5))),
                    "buckets": [[64, 900], [128, 90], [256, 10]],
                }
            )
    times = [begin + (at - begin) * i // max(1, samples - 1) for i in range(samples)]
    curve = []
    for t in times:
        x = (t - begin) / (at - begin)
        level = min(1.0, x * 6) * (0.9 + 0.1 * math.sin(x * 20)) if t < phases[3]["begin_ns"] else factor[3]
        curve.append(int(2**20 + peak * min(1.0, level)))
    return {
        "workload": label,
        "allocator": name,
        "allocator_path": factor[5],
        "allocator_version": factor[4],
        "threads": threads,
        "round": number,
        "position": position,
        "seed": rng.getrandbits(63),
        "valid": True,
        "invalid_reason": None,
        "exit": {"status": 0, "signal": None, "timed_out": False},
        "stderr": "",
        "checksum": "0123456789abcdef",
        "resolved": {"malloc": factor[5]},
        "peak_rss_bytes": peak,
        "retained_rss_bytes": retained,
        "process_peak_rss_bytes": peak + 2**20 + (2**16 if pattern == "replay" else 0),
        "harness_bytes": 2**20,
        "harness_file_bytes": 2**16 if pattern == "replay" else 0,
        "baseline_rss_bytes": 3 * 2**20,
        "begin_ns": begin,
        "phases": phases,
        "latency": latency,
        "series": [{"name": "rss_bytes", "at_ns": times, "values": curve}] if samples else [],
        "notes": [],
    }


def invalidate(
    document: dict[str, Any],
    allocator: str,
    reason: str,
    workload: str | None = None,
    rounds: int | None = None,
) -> None:
    """Makes trials of an arm invalid, as a crash leaves them."""
    for trial in document["trials"]:
        if (
            trial["allocator"] == allocator
            and workload in (None, trial["workload"])
            and (rounds is None or trial["round"] < rounds)
        ):
            trial.update(
                valid=False,
                invalid_reason=reason,
                exit={"status": None, "signal": 11, "timed_out": False},
                stderr="double free\n",
                phases=[],
                latency=[],
                series=[],
                peak_rss_bytes=None,
                retained_rss_bytes=None,
            )


def by_size(document: dict[str, Any], classes: Sequence[int] = (16, 32, 64, 128, 1024)) -> dict[str, Any]:
    """The document with latencies as the worker records them: histograms by size class of the block."""
    for trial in document["trials"]:
        phase = next(phase for phase in trial["phases"] if phase["name"] == "measure")
        level = max(2, phase["cpu_ns"] // max(1, phase["operations"]))
        trial["latency"] = []
        for operation, size in ((o, s) for o in ("malloc", "free", "realloc") for s in classes):
            buckets = [[level * size // 16 * 2**step, 200_000 // 5**step] for step in range(8)]
            total = sum(samples for _, samples in buckets)
            at = {field: _quantile(buckets, math.ceil(q * total)) for field, q in QUANTILES.items()}
            trial["latency"].append(
                {
                    "operation": operation,
                    "size_class": str(size),
                    "unit": "ns",
                    "count": total,
                    "sampled_every": 251,
                    **at,
                    "max_ns": buckets[-1][0],
                    "buckets": buckets,
                }
            )
    return document


def _quantile(buckets: Sequence[Sequence[int]], rank: int) -> int:
    below = itertools.accumulate(samples for _, samples in buckets)
    return next(upper for (upper, _), seen in zip(buckets, below) if seen >= rank)


QUANTILES = {"p50_ns": 0.5, "p90_ns": 0.9, "p99_ns": 0.99, "p999_ns": 0.999, "p9999_ns": 0.9999}


def alive(document: dict[str, Any]) -> dict[str, Any]:
    """The document with live bytes beside the resident heap, as workloads about fragmentation have them."""
    for trial in document["trials"]:
        resident = trial["series"][0]
        trial["series"] += [
            {"name": name, "at_ns": resident["at_ns"], "values": [int(v * part) for v in resident["values"]]}
            for name, part in (("heap_rss_bytes", 0.9), ("live_bytes", 0.6))
        ]
    return document


def occupied(document: dict[str, Any], live: float = 0.5, moments: int = 40) -> dict[str, Any]:
    """The document with a trial apart for each pair, in which `live` of the resident heap was asked for, a
    tenth of that rounded up, and half of the rest lies on pages of live blocks."""
    first = {}
    for trial in document["trials"]:
        if trial["allocator"] != "null":
            first.setdefault((trial["workload"], trial["allocator"]), trial)
    document["occupancy"] = []
    for trial in first.values():
        begin, end = trial["phases"][1]["begin_ns"], trial["phases"][-1]["begin_ns"] + 100_000_000
        times = [begin + (end - begin) * n // (moments - 1) for n in range(moments)]
        drained = trial["phases"][3]["begin_ns"]
        own = trial["baseline_rss_bytes"] + trial["harness_bytes"] + trial["harness_file_bytes"]
        heap = [trial["peak_rss_bytes"] * min(n + 1, 8) // 8 // 4096 * 4096 for n in range(moments)]
        asked = [int(bytes_ * live) if at < drained else 0 for bytes_, at in zip(heap, times)]
        columns = {
            "requested_bytes": asked,
            "usable_bytes": [bytes_ * 11 // 10 for bytes_ in asked],
            "rounding_bytes": [bytes_ // 10 for bytes_ in asked],
            "occupied_bytes": [(h + a + a // 10) // 2 if a else 0 for h, a in zip(heap, asked)],
            "occupancy_tables_bytes": [2**16] * moments,
            "rss_bytes": [bytes_ + own + 2**16 for bytes_ in heap],
        }
        series = [{"name": name, "at_ns": times, "values": values} for name, values in columns.items()]
        apart = {"series": series, "occupancy": {"reason": None}, "latency": []}
        document["occupancy"].append({**trial, **apart})
    return document


def pressure(allocators: Sequence[str], fingerprint: str = "9f2c6a77d1e04b38") -> dict[str, Any]:
    """What `faultline pressure` writes; the first allocator has no valid trial at 50 %."""

    def cells(percent: int) -> list[dict[str, Any]]:
        return [_cell(name, 100 + number, percent) for number, name in enumerate(allocators)]

    return {
        "schema": "faultline-pressure/1",
        "command": ["faultline", "pressure", "alloc-test1"],
        "workload": "alloc-test1",
        "rounds": 3,
        "seed": 5,
        "host": {"fingerprint": fingerprint},
        "working_set_bytes": 100 * 2**20,
        "harness_bytes": 2**20,
        "working_set_of": allocators[0],
        "with_room": {"limit_bytes": 2**32, "cells": cells(0)},
        "limits": [
            {"swap": "zram:1G", "limit_percent": p, "limit_bytes": p * 2**20, "cells": cells(p)}
            for p in (200, 150, 100, 75, 50)
        ],
    }


def _cell(name: str, level: int, percent: int) -> dict[str, Any]:
    valid = 0 if percent == 50 and level == 100 else 3
    short = 200 - percent if percent else 0
    return {
        "allocator": name,
        "trials": 3,
        "valid": valid,
        "invalid_reason": None if valid else "was killed by the kernel",
        "operations_per_s_rounds": [1e4 * level * (1 + n / 100) / (1 + short / 50) for n in range(valid)],
        "minor_faults": 1000,
        "major_faults": short * level if valid else None,
        "counted_ns": 10**9,
        "counts": {"swap_in_pages": short * level, "swap_out_pages": 2 * short, "memcg_reclaim_ns": 10**8}
        if percent
        else {"memcg_reclaim_ns": 0},
    }


def kill(document: dict[str, Any], trials_kept: int) -> None:
    """The document as a killed run leaves it, if it had saved in the middle of a round."""
    document["complete"] = False
    document["tool"]["finished"] = None
    document["trials"] = document["trials"][:trials_kept]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--workloads", type=int, default=len(WORKLOADS))
    parser.add_argument("--allocators", default=",".join(tuple(ALLOCATORS)[:6]))
    options = parser.parse_args()
    json.dump(
        make(options.seed, options.rounds, WORKLOADS[: options.workloads], options.allocators.split(",")),
        sys.stdout,
    )


if __name__ == "__main__":
    main()
