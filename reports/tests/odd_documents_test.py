"""Every command that judges, on documents that are broken, empty or strange: a line or a verdict, never a
traceback, and never a number that is none."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import pathlib
import re
from collections.abc import Callable
from typing import Any

import fake_documents
import pytest
from faultline_reports import compare, merge, rank
from faultline_reports.ab import __main__ as ab
from faultline_reports.errors import UserError
from faultline_reports.gate import __main__ as gate
from faultline_reports.history import __main__ as history

Raw = dict[str, Any]
Edit = Callable[[Raw], object]


def document(rounds: int = 8) -> Raw:
    made: Raw = fake_documents.make(
        rounds=rounds, workloads=fake_documents.WORKLOADS[:2], allocators=("system", "jemalloc"), samples=5,
        floor=False,
    )  # fmt: skip
    return made


def each(value: Raw, change: Callable[[Raw], object], where: Callable[[Raw], bool] = lambda _: True) -> None:
    for trial in value["trials"]:
        if where(trial):
            change(trial)


def measured(**figures: Any) -> Callable[[Raw], object]:
    def change(trial: Raw) -> None:
        for phase in trial["phases"]:
            phase.update(figures)

    return change


def of_jemalloc(trial: Raw) -> bool:
    return bool(trial["allocator"] == "jemalloc")


def drop(value: Raw, unwanted: Callable[[Raw], bool]) -> None:
    value["trials"] = [trial for trial in value["trials"] if not unwanted(trial)]


# Text that is no document: every command refuses it.
BROKEN = {
    "empty": "",
    "blank": " \n",
    "cut short": json.dumps(document())[:-900],
    "null": "null",
    "a list": "[]",
    "a number": "7",
    "no schema": "{}",
    "no trials": '{"schema": "faultline-results/1"}',
    "newer": '{"schema": "faultline-results/2", "trials": []}',
    "of stress": '{"schema": "faultline-stress/1", "checks": []}',
    "nested": "[" * 100_000,
    "NaN": json.dumps(document()).replace('"wall_ns": ', '"wall_ns": NaN, "x": ', 1),
    "infinity": json.dumps(document()).replace('"wall_ns": ', '"wall_ns": 1e999, "x": ', 1),
    "text for a number": json.dumps(document()).replace('"wall_ns": ', '"wall_ns": "fast", "x": ', 1),
    "trials that are none": '{"schema": "faultline-results/1", "trials": [1, 2]}',
}

# Documents: every command has something to say.
STRANGE: dict[str, Edit] = {
    "no trials at all": lambda d: d["trials"].clear(),
    "one round": lambda d: drop(d, lambda t: t["round"] > 0),
    "two rounds": lambda d: drop(d, lambda t: t["round"] > 1),
    "nothing varies": lambda d: each(d, measured(wall_ns=1e6, cpu_ns=1e6, operations=1000, minor_faults=5)),
    "nothing but zeros": lambda d: each(d, measured(wall_ns=0, cpu_ns=0, minor_faults=0)),
    "no operations": lambda d: each(d, measured(operations=0)),
    "zeros in one arm": lambda d: each(d, measured(cpu_ns=0, minor_faults=0), of_jemalloc),
    "ties": lambda d: each(d, lambda t: measured(cpu_ns=1e6 + t["round"] % 2, operations=1000)(t)),
    "unequal rounds": lambda d: drop(d, lambda t: of_jemalloc(t) and t["round"] > 4),
    "no round in common": lambda d: drop(d, lambda t: of_jemalloc(t) == (t["round"] < 4)),
    "one arm did not run": lambda d: drop(d, of_jemalloc),
    "one arm never valid": lambda d: fake_documents.invalidate(d, "jemalloc", "crashed"),
    "nothing valid": lambda d: each(d, lambda t: t.update(valid=False, invalid_reason="x")),
    "nothing measured": lambda d: each(d, lambda t: t.update(phases=[], peak_rss_bytes=None, latency=[])),
    "the largest": lambda d: each(
        d, measured(cpu_ns=2**63, minor_faults=2**63, operations=1), of_jemalloc
    ),
    "the smallest": lambda d: each(d, measured(cpu_ns=5e-324, operations=2**63), of_jemalloc),
    "below zero": lambda d: each(d, measured(cpu_ns=-5.0, minor_faults=-1), of_jemalloc),
    "repeated trials": lambda d: d["trials"].extend(copy.deepcopy(d["trials"][:3])),
    "no host": lambda d: d.update(host={}),
    "no plan": lambda d: d.update(plan={}),
    "cut short": lambda d: fake_documents.kill(d, len(d["trials"]) - 1),
    "nothing whole": lambda d: fake_documents.kill(d, 1),
    "hostile names": lambda d: each(d, lambda t: t.update(workload="a\n\x1b[2J\u202e<b>|`")),
}


def said(run: Callable[[list[str]], int], arguments: list[str]) -> tuple[int | None, str]:
    """The status and all that was printed, or None and the error's line."""
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            status = run(arguments)
    except UserError as error:
        line = error.line()
        assert "\n" not in line and len(line) > 10
        return None, line
    return status, out.getvalue()


def commands(path: str, other: str, tmp_path: pathlib.Path) -> dict[str, tuple[Any, list[str]]]:
    arms = ["system", "jemalloc"]
    return {
        "compare": (compare.run, [path, *arms]),
        "compare JSON": (compare.run, [path, *arms, "--json"]),
        "compare two": (compare.run, [path, other, "-a", "jemalloc", "--force"]),
        "rank": (rank.run, [path]),
        "rank JSON": (rank.run, [path, "--json"]),
        "gate": (gate.run, [*arms, "--from", path, "--all"]),
        "gate JSON": (gate.run, [*arms, "--from", path, "--json"]),
        "merge": (merge.run, [path, other, "-o", str(tmp_path / "whole.json")]),
        "merge hosts": (merge.run, [path, other, "--random-effects", *arms]),
        "history add": (history.run, ["add", path, "--db", str(tmp_path / "history.sqlite")]),
    }


def written(tmp_path: pathlib.Path, value: str) -> tuple[str, str]:
    path, other = tmp_path / "odd.json", tmp_path / "other.json"
    path.write_text(value, "utf-8")
    another = document()
    another["host"]["fingerprint"] = "ee" * 32
    other.write_text(json.dumps(another), "utf-8")
    return str(path), str(other)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_documents_are_refused_by_all(
    name: str, tmp_path: pathlib.Path, fake_faultline: Callable[..., None]
) -> None:
    path, other = written(tmp_path, BROKEN[name])
    for command, (run, arguments) in commands(path, other, tmp_path).items():
        status, words = said(run, arguments)
        assert status is None and "odd.json" in words, command


@pytest.mark.parametrize("name", STRANGE)
def test_strange_documents_get_a_verdict_or_a_line(
    name: str, tmp_path: pathlib.Path, fake_faultline: Callable[..., None]
) -> None:
    value = document()
    STRANGE[name](value)
    path, other = written(tmp_path, json.dumps(value))
    for command, (run, arguments) in commands(path, other, tmp_path).items():
        status, words = said(run, arguments)
        assert status is None or status in (0, 1, 2, 3), command
        assert not re.search(r"\bnan\b|\binf\b|NaN|Infinity|Traceback", words), (command, words)
        assert "\x1b" not in words and "\u202e" not in words, command


@pytest.mark.parametrize("name", [*BROKEN, *STRANGE])
def test_an_ab_or_gate_that_measures_such_a_document(
    name: str, tmp_path: pathlib.Path, fake_faultline: Callable[..., None]
) -> None:
    """The program that measures wrote it."""
    if name in BROKEN:
        content = BROKEN[name]
    else:
        value = document(2)
        STRANGE[name](value)
        content = json.dumps(value)
    (tmp_path / "content").write_text(content, "utf-8")
    fake_faultline(content=str(tmp_path / "content"))
    arms = ["system=/a", "jemalloc=/b", "-q", "--seed", "1"]
    for run, more in ((ab.run, ["--rounds", "2"]), (gate.run, ["--budget", "20s"])):
        status, words = said(run, [*arms, *more])
        if name in BROKEN:
            assert status is None
            continue
        assert status is None or status in (0, 1, 2, 3, 69, 76)
        assert not re.search(r"\bnan\b|\binf\b|NaN|Infinity|Traceback", words), words
