"""Latencies of single calls, by operation and size of the block: pictures and tables.

A quantile is taken in each trial first; what is shown is the median over trials.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from faultline_reports import formatting, histogram
from faultline_reports.model import Allocator, Latency, Trial
from faultline_reports.report import curves
from faultline_reports.report.details import Trials
from faultline_reports.report.drawing import Drawing, Grid, Picture
from faultline_reports.statistics.interval import Interval
from faultline_reports.statistics.order import median_interval

ALL = "all"  # sizes of blocks together
FIELDS = ("p50_ns", "p90_ns", "p99_ns", "p999_ns", "p9999_ns")
TAIL = "p99_ns"  # by which size classes are compared
PICTURED = 3  # operations with pictures
CLASSES_SHOWN = 2  # of each operation, beside all sizes together
LEAST_CLASSES = 3  # that make a picture over size classes
SMALLEST = 8  # size class; each is twice the one before
DECADES = 4  # of the axis: up to 1 call in 10^4
STEPS, FEW_STEPS = 4, 2  # of a curve in each of them; the fewer where a page has many pictures

Kind = tuple[str, str]  # operation and size class


@dataclass(frozen=True)
class Workload:
    """The latencies of one workload: for each kind and allocator those of its trials."""

    arms: Sequence[str]
    rows: dict[tuple[Kind, str], list[Latency]]
    counts: dict[Kind, float]

    def operations(self) -> list[str]:
        return list(dict.fromkeys(operation for operation, _ in self.counts))

    def classes(self, operation: str) -> list[str]:
        """Its size classes, the smallest first."""
        return sorted((name for of, name in self.counts if of == operation and name.isdigit()), key=int)

    def whole(self, operation: str) -> str:
        """What stands for all of an operation's calls: all sizes, or the only one."""
        names = [name for of, name in self.counts if of == operation]
        return ALL if ALL in names else max(names, key=lambda name: self.counts[operation, name])

    def commonest(self, operation: str) -> list[str]:
        classes = [name for name in self.classes(operation) if name != self.whole(operation)]
        return sorted(
            sorted(classes, key=lambda name: -self.counts[operation, name])[:CLASSES_SHOWN], key=int
        )


def collect(shown: Sequence[Allocator], trials: Trials) -> Workload:
    rows: dict[tuple[Kind, str], list[Latency]] = {}
    counts: dict[Kind, float] = {}
    for allocator in shown:
        for trial in trials[allocator.name]:
            for row in _with_all(trial):
                kind = (row.operation, row.size_class)
                rows.setdefault((kind, allocator.name), []).append(row)
                counts[kind] = counts.get(kind, 0.0) + row.count
    return Workload([allocator.name for allocator in shown], rows, counts)


def _with_all(trial: Trial) -> list[Latency]:
    """The trial's rows that have samples, and the sum of each operation's size classes."""
    found: dict[str, list[Latency]] = {}
    for row in trial.latency:
        if row.count:
            found.setdefault(row.operation, []).append(row)
    rows: list[Latency] = []
    for operation, of in found.items():
        if len(of) > 1 and all(row.buckets and row.size_class.isdigit() for row in of):
            rows.append(histogram.merged(operation, ALL, of, FIELDS))
        rows += of
    return rows


def _known(row: Latency, share: float) -> bool:
    """Whether so many samples can give it: of 88 calls nothing is known about the 99.99th percentile."""
    return row.count * (1 - share) >= 1 - 1e-9


def figure(rows: Sequence[Latency], field: str) -> Interval | None:
    """A percentile over trials; None where too few calls were timed in most of them."""
    values = [
        row.percentiles[field]
        for row in rows
        if field in row.percentiles and (field == "max_ns" or _known(row, histogram.share_of(field)))
    ]
    return median_interval(values) if values and 2 * len(values) >= len(rows) else None


def pictures(found: Workload, label: str, floors: Sequence[str], few: bool) -> list[Picture]:
    """By percentile, for each operation; unless `few`, by size class too."""
    names = [name for name in found.arms if name not in floors]
    drawn = []
    for operation in found.operations()[: PICTURED - few]:
        steps = FEW_STEPS if few else STEPS
        drawn += _by_percentile(found, names, operation, found.whole(operation), label, steps)
    if not few:
        for operation in found.operations()[:PICTURED]:
            drawn += _by_class(found, names, operation, label)
    return drawn


def more_pictures(found: Workload, label: str, floors: Sequence[str]) -> list[Picture]:
    """By percentile, for the commonest size classes of each operation."""
    names = [name for name in found.arms if name not in floors]
    return [
        picture
        for operation in found.operations()[:PICTURED]
        for size_class in found.commonest(operation)
        for picture in _by_percentile(found, names, operation, size_class, label, STEPS)
    ]


def _nines(share: float) -> float:
    return -math.log10(1 - share)


AXIS = curves.Scale(
    lambda share: _nines(share) / DECADES,
    [(0.0, "0"), *((histogram.share_of(field), formatting.percentile(field)) for field in FIELDS)],
    "percent of calls that took at most this",
    lambda share: f"{100 * share:.5g}",
)


def _shares(steps: int) -> list[float]:
    """Of a curve's points: those of FIELDS among them."""
    named = {histogram.share_of(field) for field in FIELDS}
    return sorted(
        {1 - 10 ** (-step / steps) for step in range(DECADES * steps) if step % steps} | {0.0} | named
    )


def _by_percentile(
    found: Workload, names: Sequence[str], operation: str, size_class: str, label: str, steps: int
) -> list[Picture]:
    drawn = []
    for name in names:
        rows = found.rows.get(((operation, size_class), name), [])
        marks = [
            curves.Point(histogram.share_of(field), *_ends(shown))
            for field in FIELDS
            if (shown := figure(rows, field)) is not None
        ]
        if marks:
            drawn.append(
                curves.Curve(name, _line(rows, _shares(steps)) or [(mark.x, mark.y) for mark in marks], marks)
            )
    if not drawn:
        return []
    ends = [value for one in drawn for mark in one.marks for value in (mark.y, mark.low, mark.high)]
    values = [value for one in drawn for _, value in one.line] + [end for end in ends if end is not None]
    height = curves.amounts(values, "ns", "latency of a call", 4.0)
    of = _of_class(size_class)
    drawing = curves.draw(drawn, AXIS, height, f"Latency of {operation} in {label} by percentile, {of}")
    drawing = _with_calls(drawing, found, (operation, size_class), [one.name for one in drawn], height)
    title = f"Latency of {operation}" + ("" if size_class == found.whole(operation) else f", {of}")
    caption = f"{of[0].upper()}{of[1:]}. Marks: medians over trials, with intervals. Lower is better."
    return [Picture(title, caption, drawing)]


def _with_calls(
    drawing: Drawing, found: Workload, kind: Kind, names: Sequence[str], height: curves.Amounts
) -> Drawing:
    """With the longest call and how many were timed in the table, which are beyond the picture's axis."""
    arms = [found.rows[kind, name] for name in names]
    longest = [figure(rows, "max_ns") for rows in arms]
    counts = [median_interval([row.count for row in rows]).estimate for rows in arms]
    rows = [
        *drawing.table.rows,
        ["longest", *(height.say(shown.estimate) if shown else "" for shown in longest)],
        ["timed calls a trial", *(formatting.quantity(count, "") for count in counts)],
    ]
    return dataclasses.replace(drawing, table=Grid(drawing.table.heads, rows))


def _ends(shown: Interval) -> tuple[float, float, float]:
    return max(1.0, shown.estimate), max(1.0, shown.low), max(1.0, shown.high)


def _line(rows: Sequence[Latency], shares: Sequence[float]) -> list[tuple[float, float]]:
    """A curve through more quantiles than have names, from the histograms."""
    if not all(row.buckets for row in rows):
        return []
    quantiles = [histogram.quantiles(row, shares) for row in rows]
    line = []
    for index, share in enumerate(shares):
        values = [values[index] for row, values in zip(rows, quantiles) if _known(row, share)]
        if values and 2 * len(values) >= len(rows):
            line.append((share, max(1.0, median_interval(values).estimate)))
    return line


def _by_class(found: Workload, names: Sequence[str], operation: str, label: str) -> list[Picture]:
    classes = [
        size_class
        for size_class in found.classes(operation)
        if any(figure(found.rows.get(((operation, size_class), name), []), TAIL) for name in names)
    ]
    drawn = []
    for name in names:
        marks = [
            curves.Point(float(place), *_ends(shown))
            for place, size_class in enumerate(classes)
            if (shown := figure(found.rows.get(((operation, size_class), name), []), TAIL)) is not None
        ]
        if len(marks) >= LEAST_CLASSES:
            drawn.append(curves.Curve(name, [(mark.x, mark.y) for mark in marks], marks))
    if not drawn:
        return []
    values = [end for one in drawn for mark in one.marks for end in (mark.low, mark.high) if end is not None]
    words = f"Latency of {operation} in {label} by size of block, 99th percentile"
    width = curves.places([_size(name) for name in classes], "blocks up to")
    drawing = curves.draw(drawn, width, curves.amounts(values, "ns", "99th percentile", 4.0), words, 2.0)
    caption = "99 of 100 calls took at most this: medians over trials, with intervals. Lower is better."
    return [Picture(f"Latency of {operation} by size of block", caption, drawing)]


def _size(size_class: str) -> str:
    value = float(size_class)
    divisor, name = formatting.scale(value, "bytes")
    return f"{value / divisor:.3g} {name[:1]}".replace(" B", "")


def _of_class(size_class: str) -> str:
    if not size_class.isdigit():
        return "blocks of every size"
    below, top = int(size_class) // 2, formatting.quantity(float(size_class), "bytes")
    if below < SMALLEST:
        return f"blocks of up to {top}"
    return f"blocks of {formatting.quantity(below + 1, 'bytes')} to {top}"


def table(found: Workload, few: bool = False, pictured: bool = False) -> Grid | None:
    """Percentiles of all sizes and, unless `few`, of the commonest classes. If `few`, operations that are
    `pictured` have theirs under their pictures."""
    operations = found.operations()[PICTURED - 1 if few and pictured else 0 :]
    if not operations:
        return None
    kinds = [
        (operation, size_class)
        for operation in operations
        for size_class in dict.fromkeys(
            [found.whole(operation), *([] if few else found.commonest(operation))]
        )
    ]
    fields = (*FIELDS, "max_ns")
    grid = []
    for operation, size_class in kinds:
        for name in found.arms:
            rows = found.rows.get(((operation, size_class), name), [])
            if rows:
                counts = median_interval([row.count for row in rows]).estimate
                cells = [(field, figure(rows, field)) for field in fields]
                grid.append(
                    [operation, size_class, name, formatting.quantity(counts, "")]
                    + [
                        formatting.quantity(shown.estimate, "ns") if shown is not None else "too few"
                        for _, shown in cells
                    ]
                )
    heads = ["operation", "size class", "allocator", "samples a trial"]
    named = [formatting.percentile(field) + ("" if field == "max_ns" else " %") for field in fields]
    return Grid([*heads, *named], grid)


def table_of_classes(found: Workload) -> Grid | None:
    """The 99th percentile of every size class, and its interval; None where no operation has several."""
    grid = []
    for operation in found.operations():
        classes = found.classes(operation)
        if len(classes) < 2:
            continue
        for size_class in classes:
            cells = [figure(found.rows.get(((operation, size_class), name), []), TAIL) for name in found.arms]
            if any(cells):
                grid.append(
                    [
                        f"{operation}, up to {formatting.quantity(float(size_class), 'bytes')}",
                        *map(_cell, cells),
                    ]
                )
    return Grid(["operation, size of block", *found.arms], grid) if grid else None


def _cell(shown: Interval | None) -> str:
    return "too few" if shown is None else formatting.with_range(shown, "ns")
