"""The document of `faultline pressure` (pressure.py writes it) as plain types: a workload on each allocator,
with room and with less and less memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faultline_reports import fields
from faultline_reports.fields import Object

SCHEMA = "faultline-pressure/1"


@dataclass(frozen=True)
class Cell:
    allocator: str
    trials: int
    valid: int
    invalid_reason: str
    rates: Sequence[float]  # operations a second, of each valid trial
    minor_faults: float | None  # these three in the measured phase, medians over trials
    major_faults: float | None
    counted_ns: float | None
    counts: Mapping[str, float | None]


@dataclass(frozen=True)
class Limit:
    swap: str
    percent: int  # of the working set
    bytes: float | None
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Scarcity:
    source: str
    command: Sequence[str]
    workload: str
    rounds: int
    seed: str
    fingerprint: str
    working_set_bytes: float | None
    working_set_of: str
    room: Sequence[Cell]
    limits: Sequence[Limit]


def load(path: str) -> Scarcity:
    """The document in file `path`. Raises UserError."""
    return parse(fields.read(path), path)


def parse(content: bytes, source: str) -> Scarcity:
    root = Object(fields.parse(content, source), "", source)
    root.required("schema")
    if root.text("schema") != SCHEMA:
        root.fail("schema", f'is "{root.text("schema")[:80]}", not "{SCHEMA}"')
    root.required("limits")
    return Scarcity(
        source=source,
        command=root.texts("command"),
        workload=root.name("workload"),
        rounds=root.whole("rounds") or 0,
        seed=root.scalar("seed"),
        fingerprint=root.child("host").text("fingerprint"),
        working_set_bytes=root.number("working_set_bytes"),
        working_set_of=root.text("working_set_of"),
        room=[_cell(entry) for entry in root.child("with_room").children("cells")],
        limits=[
            Limit(
                entry.name("swap"),
                entry.whole("limit_percent") or 0,
                entry.number("limit_bytes"),
                [_cell(cell) for cell in entry.children("cells")],
            )
            for entry in root.children("limits")
        ],
    )


def _cell(entry: Object) -> Cell:
    return Cell(
        entry.name("allocator"),
        entry.whole("trials") or 0,
        entry.whole("valid") or 0,
        entry.text("invalid_reason"),
        entry.numbers("operations_per_s_rounds"),
        entry.number("minor_faults"),
        entry.number("major_faults"),
        entry.number("counted_ns"),
        entry.child("counts").figures(),
    )
