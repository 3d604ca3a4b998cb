"""The kernel's part of a workload, and the sentence about what explains a difference: when it speaks, and
when it must be silent."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import fake_documents
import pytest
from faultline_reports import document
from faultline_reports.model import Document
from faultline_reports.report import counted, explain, kernel
from faultline_reports.statistics.interval import Interval
from faultline_reports.statistics.verdict import Effect, Scale, Verdict

ROW = [("one", "batch", 1, "")]
MS = 1_000_000


def made(**arms: dict[str, Any]) -> Document:
    """Each arm: cpu, user and system of the measured phase in ms, faults, and what its counted trial has:
    `kernel`, `tables`, `counted_cpu`, `trusted`."""
    value = fake_documents.make(rounds=6, workloads=ROW, allocators=tuple(arms), floor=False, samples=0)
    value["counts"] = []
    for trial in value["trials"]:
        arm = arms[trial["allocator"]]
        for phase in trial["phases"]:
            phase["minor_faults"] = 0
            phase["kernel"] = {}
            if phase["name"] == "measure":
                phase["cpu_ns"] = arm["cpu"] * MS
                phase["user_ns"] = arm.get("user", arm["cpu"]) * MS
                phase["system_ns"] = arm.get("system", 0) * MS
                phase["minor_faults"] = arm.get("faults", 0)
                phase["operations"] = arm.get("operations", 1000)
        if trial["round"] == 0 and ("kernel" in arm or "tables" in arm):
            copy = json.loads(json.dumps(trial))
            for phase in copy["phases"]:
                if phase["name"] in ("warmup", "measure", "drain"):
                    here = phase["name"] == "measure"
                    phase["kernel"] = {k: v if here else 0 for k, v in arm.get("kernel", {}).items()}
                    phase["tables"] = arm.get("tables", {}) if here else {}
                if phase["name"] == "measure":
                    phase["cpu_ns"] = arm.get("counted_cpu", arm["cpu"]) * MS
            copy["kernel_checks"] = [
                {
                    "metrics": "faults_minor+faults_major",
                    "against": "getrusage",
                    "value": 1,
                    "other": 1,
                    "relation": "equal",
                    "trusted": arm.get("trusted", True),
                }
            ]
            value["counts"].append(copy)
    return document.parse(json.dumps(value).encode(), "r.json")


def arms_of(loaded: Document) -> list[counted.Arm]:
    def of(trials: Any, name: str) -> list[Any]:
        return [trial for trial in trials if trial.allocator == name]

    names = [allocator.name for allocator in loaded.allocators]
    return counted.of(
        names, {n: of(loaded.trials, n) for n in names}, {n: of(loaded.counts, n) for n in names}
    )


def effect(ratio: float, verdict: Verdict | None = None, unanimous: int | None = None) -> Effect:
    centre = math.log(ratio)
    sign = 1 if centre > 0 else -1
    shown = Interval(centre, centre - 0.01, centre + 0.01, 0.95, 0.95, 6)
    word = verdict or (Verdict.HIGHER if centre > 0 else Verdict.LOWER)
    return Effect(Scale.RATIO, shown, None, word, sign if unanimous is None else unanimous, True)


def said(base: Mapping[str, Any], other: Mapping[str, Any], found: Effect | None = None) -> str:
    first, second = arms_of(made(system=dict(base), a=dict(other)))
    return explain.sentence(first, second, found or effect(other["cpu"] / base["cpu"]))


FEW: dict[str, Any] = {"cpu": 200, "user": 150, "system": 50, "faults": 1000}
MANY: dict[str, Any] = {"cpu": 400, "user": 160, "system": 240, "faults": 201_000}


def test_faults_by_the_kernels_time_and_their_number() -> None:
    assert said(FEW, MANY) == (
        "Why a needed more CPU time than system: nearly all of the difference is time in the kernel, where "
        "it took 201,000 page faults against 1,000."
    )


def test_the_slower_one_is_named_whichever_is_the_baseline() -> None:
    assert said(MANY, FEW).startswith("Why system needed more CPU time than a: ")


def test_faults_by_the_time_their_handling_took() -> None:
    first = FEW | {"cpu": 40, "kernel": {"fault_ns": 2 * MS}}
    second = MANY | {"cpu": 80, "kernel": {"fault_ns": 30 * MS, "faults_anonymous": 200_000}}
    second["kernel"]["fault_ns"] = 42 * MS
    assert said(first, second | {"counted_cpu": 90}) == (
        "Why a needed more CPU time than system: it took 201,000 page faults against 1,000; "
        "handling them is about 80 % of the difference."
    )


def test_memory_that_went_back_to_the_kernel_is_told_with_the_faults() -> None:
    first = FEW | {"kernel": {"madvise_bytes": 0, "faults_anonymous": 1000}}
    second = MANY | {"kernel": {"madvise_bytes": 800 * 2**20, "faults_anonymous": 201_000}}
    assert said(first, second).endswith(
        "against 1,000, nearly all of fresh pages and gave 800 MiB back against 0 B."
    )


def test_calls_where_faults_are_the_same() -> None:
    first = FEW | {"kernel": {"munmap_calls": 10, "madvise_calls": 5}}
    second = MANY | {"faults": 1000, "kernel": {"munmap_calls": 90_010, "madvise_calls": 6}}
    assert said(first, second).endswith("in the kernel, where it called munmap 90,000 times against 10.")


def test_reclaim() -> None:
    first = FEW | {"kernel": {"memcg_reclaim_ns": 0, "direct_reclaim_ns": 0}}
    second = MANY | {"kernel": {"memcg_reclaim_ns": 150 * MS, "direct_reclaim_ns": 0}}
    assert "it stood in reclaim for 150 ms against 0 ns, about 75 % of the difference" in said(first, second)


def test_the_programs_own_code() -> None:
    second = {"cpu": 400, "user": 350, "system": 50, "faults": 1000}
    assert said(FEW, second) == f"Why a needed more CPU time than system: {explain.OWN_CODE}"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, effect(2.0, Verdict.INCONCLUSIVE, 0)),
        ({}, effect(2.0, Verdict.EQUIVALENT)),
        ({"faults": 1050}, None),  # too few more
        ({"faults": 900}, None),  # fewer
        ({"system": 100, "user": 300}, None),  # the kernel has a part, and not the most
        ({"cpu": 90, "user": 40, "system": 50}, effect(2.0)),  # too short for the ticks; and not even slower
        ({"faults": 200_000_000}, None),  # 1 ns a fault: they cannot be the reason
        ({"faults": 1150}, None),  # over a millisecond a fault: nor these
        ({"operations": 2000}, None),  # not the same work
        ({"cpu": 210, "system": 60}, effect(1.05)),  # too small a difference
    ],
)
def test_silence(change: dict[str, Any], found: Effect | None) -> None:
    assert said(FEW, MANY | change, found) == ""


def test_silence_without_an_effect() -> None:
    first, second = arms_of(made(system=FEW, a=MANY))
    assert explain.sentence(first, second, None) == ""


def test_silence_where_the_counted_trial_was_another_story() -> None:
    short = {"cpu": 40, "faults": 1000, "kernel": {"fault_ns": 2 * MS}}
    slow = {"cpu": 80, "faults": 201_000, "kernel": {"fault_ns": 42 * MS}}
    assert said(short, slow) != ""
    assert said(short | {"counted_cpu": 79}, slow) == ""  # it showed hardly a difference
    assert said(short, slow | {"counted_cpu": 400}) == ""  # or one ten times as large
    assert said(short, slow | {"kernel": {"fault_ns": 400 * MS}}) == ""  # more than all of it
    assert said(short, slow | {"trusted": False}) == ""
    assert said(short | {"kernel": {}}, slow) == ""  # one of them was not measured


def test_own_code_is_told_once_for_all() -> None:
    other = {"cpu": 400, "user": 350, "system": 50, "faults": 1000}
    arms = arms_of(made(system=FEW, a=other, b=other))
    assert explain.sentences(arms[0], [(arm, effect(2.0)) for arm in arms[1:]]) == [
        f"Why a and b differ from system: {explain.OWN_CODE}"
    ]


def test_what_is_not_measured_is_said_with_its_reason() -> None:
    loaded = made(system=FEW, a=MANY)
    found = kernel.part(loaded, arms_of(loaded), "system", {}, draws=False)
    assert found.pages is None and found.calls is None and found.faults is None
    assert any("“latency” were not asked for (--probes all)" in line for line in found.missing)
    value = made(system=FEW | {"kernel": {"system_calls": 0}}, a=MANY)
    quiet = kernel.part(value, arms_of(value), "system", {}, draws=False)
    assert quiet.calls is not None and quiet.calls.rows == [["none", "0", "0"]]


def test_time_is_divided_as_far_as_it_was_measured() -> None:
    loaded = made(system=FEW, a=MANY | {"kernel": {"fault_ns": 100 * MS, "direct_reclaim_ns": 30 * MS}})
    grid = kernel.part(loaded, arms_of(loaded), "system", {}, draws=False).time
    assert grid is not None
    rows = {row[0]: dict(zip(grid.heads[1:], row[1:])) for row in grid.rows}
    assert rows["system"]["program"] == "150 ms" and rows["system"]["page faults"] == "not measured"
    assert rows["a"]["page faults"] == "70.0 ms" and rows["a"]["reclaim"] == "30.0 ms"
    assert rows["a"]["program"] == "160 ms" and rows["a"]["kernel, other"] == "140 ms"


def test_pages_and_advice_come_from_the_tables() -> None:
    table = {"alloc_pages": [["order 9, movable, GFP_X", 2, 1024]], "madvise": [["DONTNEED", 3, 4096]]}
    loaded = made(system=FEW | {"tables": table, "kernel": {"madvise_bytes": 4096}}, a=MANY)
    found = kernel.part(loaded, arms_of(loaded), "system", {}, draws=False)
    assert found.pages is not None and found.pages.rows == [["order 9, movable, GFP_X", "2", "0"]]
    assert found.calls is not None and ["madvise DONTNEED", "3 (4.00 KiB)", "0"] in found.calls.rows
