"""Documents of nights and records of runs, for the tests of the history."""

from __future__ import annotations

import datetime
import hashlib
import json
import pathlib
from typing import Any

import fake_documents
from faultline_reports.history.model import Point, Record, Run, Series

FIRST_DAY = datetime.datetime(2026, 1, 1, 3, 0, tzinfo=datetime.timezone.utc)


def document(
    night: int = 0, rounds: int = 6, effect: float = 1.0, arms: tuple[str, ...] = ("system", "mine")
) -> dict[str, Any]:
    """A night's run; "mine" needs `effect` times its CPU time."""
    made: dict[str, Any] = fake_documents.make(
        seed=night + 1, rounds=rounds, workloads=fake_documents.WORKLOADS[:2], allocators=arms, samples=0,
        floor=False, shape_spread=0.0, more={"mine": (effect, 1.0, 1.0, 0.5, "1", "/opt/mine.so")},
    )  # fmt: skip
    for allocator in made["plan"]["allocators"]:
        allocator["sha256"] = hashlib.sha256(allocator["name"].encode()).hexdigest()
    started = FIRST_DAY + datetime.timedelta(days=night)
    made["tool"]["started"] = started.isoformat().replace("+00:00", "Z")
    return made


def written(tmp_path: pathlib.Path, name: str, value: Any) -> str:
    path = tmp_path / name
    path.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return str(path)


def nights(tmp_path: pathlib.Path, count: int = 30, step_at: int = 18, effect: float = 1.12) -> list[str]:
    return [
        written(tmp_path, f"night-{n}.json", document(n, effect=effect if n >= step_at else 1.0))
        for n in range(count)
    ]


def record(number: int, values: dict[str, float], host: str = "ab" * 16) -> Record:
    run = Run(f"{number:064x}", number * 86_400 * 10**9, f"{number:040x}", host, "0", "quick", 5)
    made = {
        Series(host, name, "w", "mine", "cpu_ns_per_operation", "system@1"): Point(v, v - 0.01, v + 0.01, 5.0)
        for name, v in values.items()
    }
    return Record(run, made)
