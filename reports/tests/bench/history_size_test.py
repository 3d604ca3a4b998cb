"""How long a large history takes: whole commands, started as a shell starts them. FAULTLINE_BENCH_RUNS sets
how many runs (default: 10,000)."""

from __future__ import annotations

import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import postgres_server
import pytest
from faultline_reports.history import store
from faultline_reports.history.model import Point, Record, Run, Series

REPORTS = pathlib.Path(__file__).parent.parent.parent
RUNS = int(os.environ.get("FAULTLINE_BENCH_RUNS", "10000"))
SERIES, STEPS, TIMES = 500, 30, 5
HOST = "ab" * 32
METRICS = (
    "cpu_ns_per_operation",
    "wall_ns_per_operation",
    "latency_p50_ns",
    "latency_p99_ns",
    "latency_p999_ns",
)


def series() -> list[Series]:
    return [
        Series(HOST, f"workload{n // 50}", "0" * 16, f"allocator{n // 5 % 10}", METRICS[n % 5], "system@1")
        for n in range(SERIES)
    ]


def values(rng: np.random.Generator) -> tuple[np.ndarray, set[tuple[int, int]]]:
    """Logarithms, and where the steps are: (run, series)."""
    drawn = rng.normal(0, 0.0095, (RUNS, SERIES))
    places = {
        (int(at), int(one)) for at, one in zip(rng.integers(50, RUNS - 50, STEPS), rng.permutation(SERIES))
    }
    for at, one in places:
        drawn[at:, one] += rng.choice((-0.05, 0.05, 0.1))
    return drawn, places


def record(number: int, centres: list[float]) -> Record:
    run = Run(
        f"{number:064x}", (1_600_000_000 + 86_400 * number) * 10**9, f"{number:040x}", HOST, "0", "x", 20
    )
    return Record(run, {one: Point(c, c - 0.01, c + 0.01, 50.0) for one, c in zip(series(), centres)})


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(tmp_path / "history.sqlite")
        return
    pytest.importorskip("psycopg2", reason="SKIPPED: python3-psycopg2 is not installed")
    if postgres_server.programs() is None:
        pytest.skip("SKIPPED: postgresql is not installed")
    with postgres_server.running() as url:
        yield url


def timed(what: str, times: int, call: Callable[[], str]) -> str:
    took, said = [], ""
    for _ in range(times):
        began = time.perf_counter()
        said = call()
        took.append(time.perf_counter() - began)
    middle = statistics.median(took)
    print(f"{what:34} median {middle:6.3f} s, {min(took):.3f} to {max(took):.3f} s, {times} runs")
    return said


def command(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "faultline_reports.history", *arguments],
        cwd=REPORTS,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_large_history(place: str, tmp_path: pathlib.Path) -> None:
    drawn, steps = values(np.random.default_rng(1))
    with store.opened(place, create=True) as opened:
        opened.add_together(record(n, drawn[n].tolist()) for n in range(RUNS))
        later = iter(record(RUNS + n, drawn[-1].tolist()) for n in range(TIMES))
        kind = place.partition(":")[0] if "://" in place else "sqlite"
        print(f"\n{kind}: {RUNS:,} runs of {SERIES} series")
        timed("one run added, in a process", TIMES, lambda: str(opened.add(next(later))))
    documents = [tmp_path / f"night-{number}.json" for number in range(TIMES)]
    for number, path in enumerate(documents):
        path.write_text(night(number))
    nights = iter(documents)
    timed("add, whole command", TIMES, lambda: command("add", str(next(nights)), "--db", place))
    timed("show, 500 series listed", TIMES, lambda: command("show", "--db", place))
    one = series()[7].label
    svg = str(tmp_path / "x.svg")
    timed(
        "show, one series with its picture", TIMES, lambda: command("show", one, "--svg", svg, "--db", place)
    )
    found = json.loads(timed("detect, all series", TIMES, lambda: command("detect", "--json", "--db", place)))
    starts = {
        (row["revision"], f"{row['workload']}/{row['allocator']}/{row['metric']}") for row in found["changes"]
    }
    names = [entry.label for entry in series()]
    hits = sum(any((f"{at + d:040x}", names[n]) in starts for d in (-2, -1, 0, 1, 2)) for at, n in steps)
    print(f"{hits} of {len(steps)} steps found, {len(starts) - hits} change points elsewhere")
    assert hits >= len(steps) - 1 and len(starts) - hits <= 2


def night(number: int) -> str:
    """A run's document with some 500 figures."""
    import fake_documents

    made = fake_documents.make(seed=number, rounds=5, samples=0, floor=False)
    made["tool"]["started"] = f"2026-01-{number + 1:02d}T03:00:00Z"
    return json.dumps(made)
