"""One trial of a fake document."""

from __future__ import annotations

import math
import random
from typing import Any


def make(
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
