"""Scaling with threads: workloads that differ in their number of threads alone, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faultline_reports import formatting, metrics
from faultline_reports.metrics import Metric
from faultline_reports.model import Document, Workload
from faultline_reports.report import curves
from faultline_reports.report.analysis import Analysis
from faultline_reports.report.drawing import Grid, Picture
from faultline_reports.statistics.interval import Interval
from faultline_reports.statistics.order import median_interval


@dataclass(frozen=True)
class Family:
    title: str
    anchor: str  # of the workload with the fewest threads
    pictures: Sequence[Picture]
    table: Grid
    crowded: str  # what to know where there are more threads than processors


def families(document: Document) -> list[list[Workload]]:
    """Workloads of one pattern and the same parameters, the fewest threads first."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], dict[int, Workload]] = {}
    for workload in document.compared_workloads():
        others = {key: value for key, value in workload.parameters.items() if key != "threads"}
        if workload.pattern:
            group = found.setdefault((workload.pattern, tuple(sorted(others.items()))), {})
            group.setdefault(workload.threads, workload)
    return [[group[threads] for threads in sorted(group)] for group in found.values() if len(group) > 1]


def wanted(document: Document) -> bool:
    return bool(families(document))


def view(analysis: Analysis, draws: bool) -> list[Family]:
    return [_family(analysis, group, draws) for group in families(analysis.document)]


@dataclass(frozen=True)
class _Measure:
    title: str
    axis: str
    unit: str
    better: str
    values: Mapping[tuple[str, str], Mapping[int, float]]  # (workload, allocator) -> round -> value


def _measures(analysis: Analysis) -> list[_Measure]:
    wall = metrics.samples(analysis.document, metrics.by_key("wall_ns_per_operation"))
    rates = {
        place: {number: 1e9 / value for number, value in values.items() if value > 0}
        for place, values in wall.items()
    }
    memory = analysis.memory.metric

    def of(metric: Metric) -> _Measure:
        samples = analysis.matrices[metric.key].samples
        return _Measure(metric.title, metric.short, metric.unit, "Lower is better.", samples)

    more = "More is better."
    return [
        _Measure("Throughput of all threads", "operations a second", "", more, rates),
        of(analysis.time.metric),
        of(memory),
    ]


def _family(analysis: Analysis, group: Sequence[Workload], draws: bool) -> Family:
    names = [allocator.name for allocator in analysis.document.subjects()]
    measures = _measures(analysis)
    pattern = group[0].pattern
    pictures = [_picture(pattern, group, names, measure) for measure in measures] if draws else []
    return Family(
        pattern,
        analysis.anchors[group[0].label],
        [picture for picture in pictures if picture is not None],
        _table(group, names, measures),
        _crowded(analysis.document, group),
    )


def _picture(
    pattern: str, group: Sequence[Workload], names: Sequence[str], measure: _Measure
) -> Picture | None:
    drawn = []
    for name in names:
        found = [(at, _middle(measure, entry.label, name)) for at, entry in enumerate(group)]
        marks = [curves.Point(float(at), m.estimate, m.low, m.high) for at, m in found if m is not None]
        if len(marks) > 1:
            drawn.append(curves.Curve(name, [(mark.x, mark.y) for mark in marks], marks))
    if not drawn:
        return None
    highs = [mark.high or 0.0 for curve in drawn for mark in curve.marks]
    height = curves.amounts(highs, measure.unit, measure.axis, math.inf)
    width = curves.places([str(entry.threads) for entry in group], "threads")
    drawing = curves.draw(drawn, width, height, f"{measure.title} of {pattern} by number of threads", 2.5)
    return Picture(measure.title, f"Medians over trials, with intervals. {measure.better}", drawing)


def _middle(measure: _Measure, label: str, name: str) -> Interval | None:
    values = measure.values.get((label, name))
    return median_interval(list(values.values())) if values else None


def _table(group: Sequence[Workload], names: Sequence[str], measures: Sequence[_Measure]) -> Grid:
    first = group[0]
    rows = []
    for name in names:
        for workload in group:
            cells = [_cell(_middle(m, workload.label, name), m.unit) for m in measures]
            growth = _growth(measures[0], first, workload, name)
            rows.append([name, str(workload.threads), cells[0], growth, *cells[1:]])
    heads = ["allocator", "threads", "operations a second"]
    heads.append(f"to {formatting.count(first.threads, 'thread')}")
    return Grid([*heads, *(measure.title for measure in measures[1:])], rows)


def _cell(shown: Interval | None, unit: str) -> str:
    return formatting.NOT_MEASURED if shown is None else formatting.with_range(shown, unit)


def _growth(rate: _Measure, first: Workload, workload: Workload, name: str) -> str:
    """How many times the throughput of the fewest threads, compared inside rounds."""
    base, values = rate.values.get((first.label, name), {}), rate.values.get((workload.label, name), {})
    ratios = [values[number] / base[number] for number in sorted(base.keys() & values.keys())]
    if workload is first or not ratios:
        return "" if workload is first else formatting.NOT_MEASURED
    shown = median_interval(ratios)
    low, high = (formatting.digits(value) for value in (shown.low, shown.high))
    return f"×{formatting.digits(shown.estimate)}" + ("" if low == high else f" ({low} to {high})")


def _crowded(document: Document, group: Sequence[Workload]) -> str:
    cpus = document.deciding.get("cpus", "")
    most = group[-1].threads
    if not cpus.isdigit() or most <= int(cpus):
        return ""
    return (
        f"The host has {formatting.count(int(cpus), 'processor')}: with more threads than that some wait, "
        "and throughput cannot grow."
    )
