"""What becomes of a workload when memory is scarce: the document of `faultline pressure` as pictures and a
table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from faultline_reports import formatting
from faultline_reports.model import Document
from faultline_reports.report import curves
from faultline_reports.report.drawing import Grid, Picture
from faultline_reports.scarcity import Cell, Scarcity
from faultline_reports.statistics.interval import Interval
from faultline_reports.statistics.order import median_interval
from faultline_reports.statistics.thresholds import PAGE_BYTES

ROOM = "room"
HEADS = (
    "limit",
    "allocator",
    "valid trials",
    "operations a second",
    "of its own with room",
    "major faults",
    "swapped in",
    "swapped out",
    "in reclaim",
)


@dataclass(frozen=True)
class Part:
    """One kind of swap."""

    swap: str
    pictures: Sequence[Picture]
    table: Grid
    invalid: Sequence[str]


@dataclass(frozen=True)
class View:
    intro: str
    other_host: bool  # measured on another host than the rest of the page, or one that is not told
    parts: Sequence[Part]


def view(document: Document, draws: bool) -> View | None:
    found = document.scarcity
    if found is None:
        return None
    held = formatting.quantity(found.working_set_bytes, "bytes")
    intro = (
        f"{found.workload} in control groups with a limit, and swap beside them. 100 % is the working set of "
        f"{found.working_set_of}, {held}. {formatting.count(found.rounds, 'round')}, from {found.source}."
    )
    other = not found.fingerprint or found.fingerprint != document.fingerprint
    swaps = dict.fromkeys(limit.swap for limit in found.limits)
    return View(intro, other, [_part(found, swap, draws) for swap in swaps])


Row = tuple[str, Sequence[Cell]]  # the limit's name


def _part(found: Scarcity, swap: str, draws: bool) -> Part:
    limits = sorted((limit for limit in found.limits if limit.swap == swap), key=lambda one: -one.percent)
    rows: list[Row] = [(ROOM, found.room), *((f"{limit.percent} %", limit.cells) for limit in limits)]
    grid = [[name, *_cells(cell, found.room)] for name, cells in rows for cell in cells]
    pictures = _pictures(found.workload, swap, rows) if draws else []
    invalid = [
        f"{name}, {cell.allocator}: {cell.trials - cell.valid} of {cell.trials} invalid "
        f"({cell.invalid_reason})"
        for name, cells in rows
        for cell in cells
        if cell.valid < cell.trials
    ]
    return Part(swap, pictures, Grid(HEADS, grid), invalid)


def _rate(cell: Cell) -> Interval | None:
    return median_interval(list(cell.rates)) if cell.rates else None


def _swapped(cell: Cell, name: str) -> float | None:
    pages = cell.counts.get(name)
    return None if pages is None else pages * PAGE_BYTES


def _traffic(cell: Cell) -> float | None:
    into, out = _swapped(cell, "swap_in_pages"), _swapped(cell, "swap_out_pages")
    return None if into is None or out is None else into + out


def _cells(cell: Cell, room: Sequence[Cell]) -> list[str]:
    rate = _rate(cell)
    own = next((found for one in room if one.allocator == cell.allocator and (found := _rate(one))), None)
    head = [cell.allocator, f"{cell.valid} of {cell.trials}"]
    if rate is None:
        return [*head, "no valid trial", *[""] * (len(HEADS) - 4)]
    spent = cell.counts.get("memcg_reclaim_ns")
    # Without a limit nothing is swapped for it, and a document says so by no figure.
    return [
        *head,
        formatting.with_range(rate, ""),
        formatting.percent(round(rate.estimate / own.estimate, 2)) if own and own.estimate > 0 else "",
        formatting.quantity(cell.major_faults, ""),
        formatting.quantity(_swapped(cell, "swap_in_pages"), "bytes"),
        formatting.quantity(_swapped(cell, "swap_out_pages"), "bytes"),
        formatting.percent(round(spent / cell.counted_ns, 2))
        if spent is not None and cell.counted_ns
        else formatting.NOT_MEASURED,
    ]


def _pictures(workload: str, swap: str, rows: Sequence[Row]) -> list[Picture]:
    def plain(of: Callable[[Cell], float | None]) -> Callable[[Cell], tuple[float, ...] | None]:
        return lambda cell: None if not cell.rates or (value := of(cell)) is None else (value,)

    def rate(cell: Cell) -> tuple[float, ...] | None:
        found = _rate(cell)
        return (found.estimate, found.low, found.high) if found else None

    more, less = (
        "Medians over trials, with intervals. More is better.",
        "Medians over trials. Fewer is better.",
    )
    kinds = (
        ("Throughput against the limit", "operations a second", "", more, rate),
        ("Major faults against the limit", "major faults", "", less, plain(lambda cell: cell.major_faults)),
        (
            "Swapped in and out against the limit",
            "swapped",
            "bytes",
            "From the counted trial. Less is better.",
            plain(_traffic),
        ),
    )
    names = list(dict.fromkeys(cell.allocator for _, cells in rows for cell in cells))
    pictures = []
    for title, axis, unit, caption, of in kinds:
        drawn = []
        for name in names:
            marks = [
                curves.Point(float(at), *found)
                for at, (_, cells) in enumerate(rows)
                for cell in cells
                if cell.allocator == name and (found := of(cell)) is not None
            ]
            if marks:
                drawn.append(curves.Curve(name, [(mark.x, mark.y) for mark in marks], marks))
        if drawn:
            highs = [mark.high or mark.y for curve in drawn for mark in curve.marks]
            height = curves.amounts(highs, unit, axis, float("inf"))
            width = curves.places([name for name, _ in rows], f"memory limit, swap on {swap}")
            drawing = curves.draw(drawn, width, height, f"{title} of {workload}, swap on {swap}", 2.5)
            pictures.append(Picture(title, caption, drawing))
    return pictures
