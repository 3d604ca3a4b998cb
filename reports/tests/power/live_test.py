"""Gates on the machine itself, in which nothing changed or a slowdown was put in. Minutes: run it on a
machine that is otherwise idle, with FAULTLINE_LIVE_GATES for how many of each (default: 5).

Needs FAULTLINE_LIBEXEC and allocators/slowdown in the same build tree.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess

import pytest

LIBEXEC = pathlib.Path(os.environ.get("FAULTLINE_LIBEXEC", "/nonexistent"))
PROGRAM = LIBEXEC / "../../bin/faultline"
SLOWDOWN = LIBEXEC / "../../tests/slowdown/libslowdown.so"
GATES = int(os.environ.get("FAULTLINE_LIVE_GATES", "5"))
WORKLOADS = ("glibc-simple", "batch:size=64,operations=2000000")

pytestmark = pytest.mark.skipif(not SLOWDOWN.exists(), reason="FAULTLINE_LIBEXEC names no build tree")


def statuses(tmp_path: pathlib.Path, added: str) -> list[int]:
    """The exit statuses of GATES gates whose candidate has `added`, printed with the first row's estimate."""
    arms = []
    # Both have a line of the file to read: reading numbers makes pages of libc resident.
    for name, text in (("base", "cpu=0\n"), ("new", added or "cpu=0\n")):
        (tmp_path / name).mkdir()
        library = shutil.copy(SLOWDOWN, tmp_path / name / "libslowdown.so")
        pathlib.Path(f"{library}.conf").write_text(text)
        arms.append(f"{name}={library}")
    found = []
    for seed in range(GATES):
        done = subprocess.run(
            [
                str(PROGRAM),
                "gate",
                *arms,
                *WORKLOADS,
                "--seed",
                str(seed),
                "-q",
                "--json",
                "--run-option=--idle-ms=0",
            ],
            cwd=tmp_path,
            env={**os.environ, "XDG_DATA_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        result = json.loads(done.stdout)
        print(f"{added or 'nothing'!r}: {result['verdict']}, {result['rows'][0]['estimate']:+.4f}, "
              f"{result['seconds']:.0f} s")  # fmt: skip
        found.append(done.returncode)
    return found


def test_gates_without_a_change_do_not_fail(tmp_path: pathlib.Path) -> None:
    assert statuses(tmp_path, "").count(1) <= GATES / 50


def test_ten_percent_are_found(tmp_path: pathlib.Path) -> None:
    assert statuses(tmp_path, "cpu=0.10\n").count(1) >= 0.95 * GATES - 1


def test_more_memory_and_faults_are_found(tmp_path: pathlib.Path) -> None:
    """A quarter of a MiB of 6.4 MiB, and 60 faults of some forty."""
    assert statuses(tmp_path, "memory=262144\nfaults=60\n").count(1) >= 0.95 * GATES - 1
