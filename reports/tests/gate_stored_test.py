"""The gate on stored rounds: odd documents, memory by the heap's part, documents of two hosts."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from typing import Any

import fake_documents
import pytest
from faultline_reports.errors import UserError
from faultline_reports.gate import __main__ as gate


def stored(tmp_path: pathlib.Path, change: Callable[[dict[str, Any]], Any], rounds: int = 20) -> str:
    value = fake_documents.make(
        rounds=rounds,
        workloads=fake_documents.WORKLOADS[:2],
        allocators=("system", "slabuddy"),
        samples=0,
        floor=False,
        shape_spread=0.0,
    )
    change(value)
    path = tmp_path / "stored.json"
    path.write_text(json.dumps(value))
    return str(path)


def on_stored(path: str, capsys: pytest.CaptureFixture[str]) -> int:
    status = gate.run(["system", "slabuddy", "--from", path])
    text = capsys.readouterr().out
    assert text.startswith("gate: ") and "nan" not in text.lower()
    return status


def halve(value: dict[str, Any]) -> None:
    """The candidate has every other round."""
    value["trials"] = [t for t in value["trials"] if t["allocator"] == "system" or t["round"] % 2]


def shorter(value: dict[str, Any]) -> None:
    """One workload was run in a third of the rounds."""
    one = fake_documents.WORKLOADS[0][0]
    value["trials"] = [t for t in value["trials"] if t["workload"] != one or t["round"] < 10]


def constant(value: dict[str, Any]) -> None:
    for trial in value["trials"]:
        trial.update(peak_rss_bytes=2**20, retained_rss_bytes=0)
        for phase in trial["phases"]:
            phase.update(cpu_ns=10**6, wall_ns=10**6, minor_faults=0)


def no_figures(value: dict[str, Any]) -> None:
    for trial in value["trials"]:
        trial.update(peak_rss_bytes=None, retained_rss_bytes=None, phases=[], latency=[])


def one_arm_zero(value: dict[str, Any]) -> None:
    for trial in value["trials"]:
        if trial["allocator"] == "system":
            for phase in trial["phases"]:
                phase["minor_faults"] = 0


@pytest.mark.parametrize(
    ("change", "rounds", "status"),
    [
        (lambda value: None, 1, 2),
        (lambda value: value.update(trials=[]), 5, 3),
        (halve, 30, None),
        (shorter, 30, None),
        (constant, 20, 0),
        (no_figures, 20, 3),
        (one_arm_zero, 20, None),
        (lambda value: fake_documents.invalidate(value, "slabuddy", "crashed", rounds=3), 20, None),
        (lambda value: fake_documents.invalidate(value, "slabuddy", "x", "pair:size=64"), 60, 1),
        (lambda value: fake_documents.kill(value, 3), 20, 3),
    ],
)
def test_odd_documents_get_a_clear_answer(
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, Any]], Any],
    rounds: int,
    status: int | None,
) -> None:
    found = on_stored(stored(tmp_path, change, rounds), capsys)
    assert found in (0, 1, 2, 3) and (status is None or found == status)


def memory(value: dict[str, Any], heap: int, more: int, before: int | None = 90 * 2**20) -> None:
    """A heap of `heap` bytes beside what was there before, in the candidate `more` bytes larger."""
    for trial in value["trials"]:
        grown = heap + (more if trial["allocator"] == "slabuddy" else 0)
        trial["baseline_rss_bytes"] = before
        for field in ("peak_rss_bytes", "retained_rss_bytes"):
            trial[field] = (before or 0) + grown
        for phase in trial["phases"]:
            phase["minor_faults"] = 0


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        # 2 % of the heap, 0.2 % of the process: the heap's part is what a limit is of
        (
            lambda value: memory(value, 10 * 2**20, 200 * 2**10),
            {"peak_heap_bytes", "retained_heap_bytes"},
        ),
        (lambda value: memory(value, 10 * 2**20, 40 * 2**10), set()),
        # below 1 MiB on both sides a heap is too small to be compared, and no row
        (lambda value: memory(value, 2**18, 2**19), set()),
        (lambda value: memory(value, 2**18, 2**20), {"peak_heap_bytes", "retained_heap_bytes"}),
        # a document that does not tell what was there before is judged by the whole, by the same rule
        (
            lambda value: memory(value, 10 * 2**20, 200 * 2**10, None),
            {"peak_rss_bytes", "retained_rss_bytes"},
        ),
    ],
)
def test_memory_is_gated_by_the_heaps_part(
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, Any]], None],
    failed: set[str],
) -> None:
    path = stored(tmp_path, change, 60)
    status = gate.run(["system", "slabuddy", "--from", path, "--json"])
    value = json.loads(capsys.readouterr().out)
    beyond = {row["metric"] for row in value["rows"] if row["outcome"] == "regression"}
    assert beyond == failed and status == bool(failed)
    assert "heap" not in " ".join(value["notes"])


def test_documents_of_two_hosts_are_refused(tmp_path: pathlib.Path) -> None:
    first = stored(tmp_path, lambda value: None)
    value = json.loads(pathlib.Path(first).read_text())
    value["host"]["fingerprint"] = "other"
    (tmp_path / "b.json").write_text(json.dumps(value))
    with pytest.raises(UserError, match="different hosts"):
        gate.run(["system", "slabuddy", "--from", first, "--from", str(tmp_path / "b.json")])
    with pytest.raises(UserError, match="has no allocator 'x'"):
        gate.run(["system", "x", "--from", first])
