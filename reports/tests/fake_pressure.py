"""What `faultline pressure` writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


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
