"""What richer trials hold, added to fake documents: latencies by size class, live bytes, memory divided."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from typing import Any


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


def counted(value: dict[str, Any]) -> dict[str, Any]:
    """With a counted trial for each pair, as the kernel's part of a page needs."""
    value["counts"] = [json.loads(json.dumps(trial)) for trial in value["trials"] if trial["round"] == 0]
    for number, trial in enumerate(value["counts"]):
        for phase in trial["phases"]:
            share = 10 + number % 7
            phase["kernel"] = {
                "fault_ns": phase["cpu_ns"] // share,
                "memcg_reclaim_ns": phase["cpu_ns"] // 40,
                "faults_anonymous": 900 * share,
                "faults_huge": share,
                "faults_cow": 40,
                "faults_file": 7 * share,
                "system_calls": 123,
                "madvise_calls": 5 * share,
                "madvise_bytes": 4096 * share,
            }
            phase["tables"] = {
                "alloc_pages": [["order 0, movable, GFP_HIGHUSER_MOVABLE|ZERO|COMP", 900, 900]],
                "madvise": [["DONTNEED", 5 * share, 4096 * share]],
            }
    return value
