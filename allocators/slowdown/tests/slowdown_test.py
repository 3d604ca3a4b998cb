"""What libslowdown.so was told to add is there: each figure by itself, in one run of both arms.

Run by CTest with FAULTLINE (the program) and SLOWDOWN (the library) in the environment.
"""

import json
import os
import pathlib
import shutil
import statistics
import subprocess

import pytest


def measured(tmp_path: pathlib.Path, added: str) -> dict[str, dict[str, float]]:
    """Medians over five rounds of the plain copy and of the one with `added`."""
    arms = []
    for name, text in (("plain", ""), ("worse", added)):
        (tmp_path / name).mkdir()
        library = tmp_path / name / "libslowdown.so"
        shutil.copy(os.environ["SLOWDOWN"], library)
        library.with_name(library.name + ".conf").write_text(text)
        arms += ["-a", f"{name}={library}"]
    output = tmp_path / "r.json"
    command = [os.environ["FAULTLINE"], "run", "glibc-simple", *arms, "--rounds", "5", "--idle-ms", "0"]
    done = subprocess.run(
        [*command, "--no-floor", "--seed", "1", "-q", "-o", str(output)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures: dict[str, dict[str, float]] = {}
    for name in ("plain", "worse"):
        trials = [t for t in json.loads(output.read_text())["trials"] if t["allocator"] == name]
        phases = [{p["name"]: p for p in t["phases"]} for t in trials]
        working = ("warmup", "measure", "drain")
        figures[name] = {
            "cpu": statistics.median(p["measure"]["cpu_ns"] for p in phases),
            "memory": statistics.median(t["peak_rss_bytes"] for t in trials),
            "faults": statistics.median(sum(p[n]["minor_faults"] for n in working) for p in phases),
        }
    return figures


@pytest.mark.parametrize(
    ("added", "figure", "low", "high"),
    [("memory=4194304\n", "memory", 3.5 * 2**20, 4.5 * 2**20), ("faults=1000\n", "faults", 990, 1100)],
)
def test_counts_are_added(tmp_path: pathlib.Path, added: str, figure: str, low: float, high: float) -> None:
    figures = measured(tmp_path, added)
    assert low <= figures["worse"][figure] - figures["plain"][figure] <= high
    if figure == "faults":
        assert abs(figures["worse"]["memory"] - figures["plain"]["memory"]) < 2**20


def test_cpu_time_is_added(tmp_path: pathlib.Path) -> None:
    """Twice the time, so that no noise of a machine can hide it."""
    figures = measured(tmp_path, "memory=0\ncpu=1.0\n")
    assert 1.5 < figures["worse"]["cpu"] / figures["plain"]["cpu"] < 3
