"""Realistic result documents from a seed, for the tests and for looking at pages.

`python3 fake_documents.py [--rounds N ...] > results.json` writes one.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import random
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any

import fake_trial
from fake_host import CAPABILITIES, DOCTOR, HOST, METRICS

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

Factors = tuple[float, float, float, float, str, str]

# Read-only: what one test adds would be in the documents of all after it.
ALLOCATORS: Mapping[str, Factors] = types.MappingProxyType(
    {
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
)


def make(
    seed: int = 1,
    rounds: int = 20,
    workloads: Sequence[tuple[str, str, int, str]] = WORKLOADS,
    allocators: Sequence[str] = tuple(ALLOCATORS)[:6],
    baseline_noise: float = 0.015,
    samples: int = 80,
    floor: bool = True,
    shape_spread: float = 0.12,
    more: Mapping[str, Factors] = types.MappingProxyType({}),
) -> dict[str, Any]:
    """A whole document: autocorrelated drift shared by a round's trials, heavy-tailed noise in times, steady
    counts. `more`: allocators besides ALLOCATORS, or in their place."""
    rng = random.Random(seed)
    names = [*allocators, *(["null"] if floor else [])]
    known = {**ALLOCATORS, **more}
    factors = {name: known.get(name) or _unknown(name, rng) for name in names}
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
                fake_trial.make(
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
        "host": copy.deepcopy(HOST),
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
                    "version_source": "gnu_get_libc_version()" if n == "system" else 'mallctl("version")',
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


def _unknown(name: str, rng: random.Random) -> Factors:
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
