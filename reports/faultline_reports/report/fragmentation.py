"""Fragmentation over time: what a heap holds beside the bytes that are alive, of workloads that look at it
while they run.

The worker reads both at the same places of its operations in every trial of a round, so that allocators are
compared by work done and not by the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faultline_reports import formatting
from faultline_reports.model import Allocator, Document, Trial, Workload
from faultline_reports.report import curves
from faultline_reports.report.analysis import Analysis
from faultline_reports.report.details import Trials
from faultline_reports.report.drawing import Grid, Picture
from faultline_reports.statistics.interval import Interval
from faultline_reports.statistics.order import median, median_interval

LIVE, RESIDENT = "live_bytes", "heap_rss_bytes"
MARKED = (0.25, 0.5, 0.75, 1.0)  # of the work done
STEPS, FEW_STEPS = 48, 16  # of a curve: multiples of those; the fewer where a page has many pictures
MOST_WITH_ALL = 24  # workloads


@dataclass(frozen=True)
class Part:
    workload: str
    anchor: str
    pictures: Sequence[Picture]
    table: Grid | None  # where no picture has it


def wanted(document: Document) -> bool:
    return any(_excess(trial) is not None for trial in document.trials if trial.valid)


def view(analysis: Analysis, draws: bool) -> list[Part]:
    document = analysis.document
    trials: dict[tuple[str, str], list[list[float]]] = {}
    for trial in document.trials:
        excess = _excess(trial) if trial.valid else None
        if excess is not None:
            trials.setdefault((trial.workload, trial.allocator), []).append(excess)
    parts = []
    steps = STEPS if len(document.workloads) <= MOST_WITH_ALL else FEW_STEPS
    for workload in document.compared_workloads():
        arms = {
            entry.name: trials[workload.label, entry.name]
            for entry in document.subjects()
            if (workload.label, entry.name) in trials
        }
        if arms:
            parts.append(_part(workload, analysis.anchors[workload.label], arms, steps if draws else 0))
    return parts


def _excess(trial: Trial) -> list[float] | None:
    """What is resident and not alive, at each place the worker looked; None without a figure of both."""
    alive, resident = trial.series.get(LIVE), trial.series.get(RESIDENT)
    if alive is None or resident is None or len(alive.values) != len(resident.values) or not alive.values:
        return None
    return [held - used for used, held in zip(alive.values, resident.values)]


def _at(trials: Sequence[Sequence[float]], share: float) -> Interval:
    """Over trials, when `share` of the work is done."""
    return median_interval([values[round(share * (len(values) - 1))] for values in trials])


def _part(workload: Workload, anchor: str, arms: dict[str, list[list[float]]], steps: int) -> Part:
    """`steps`: of its picture, 0 for none."""
    shown = {name: [_at(trials, share) for share in MARKED] for name, trials in arms.items()}
    rows = [
        [name, *(formatting.with_range(cell, "bytes") for cell in cells)] for name, cells in shown.items()
    ]
    heads = ["allocator", *(f"{formatting.percent(share)} of the work done" for share in MARKED)]
    pictures = [_picture(workload.label, arms, shown, steps)] if steps else []
    return Part(workload.label, anchor, pictures, None if pictures else Grid(heads, rows))


def _picture(
    label: str, arms: dict[str, list[list[float]]], shown: dict[str, list[Interval]], steps: int
) -> Picture:
    drawn = []
    shares = [step / steps for step in range(steps + 1)]
    for name, trials in arms.items():
        line = [(share, _at(trials, share).estimate) for share in shares]
        marks = [curves.Point(share, at.estimate, at.low, at.high) for share, at in zip(MARKED, shown[name])]
        drawn.append(curves.Curve(name, line, marks))
    values = [value for one in drawn for _, value in one.line] + [
        m.high or 0.0 for c in drawn for m in c.marks
    ]
    ticks = [(share, formatting.percent(share)) for share in (0.0, *MARKED)]
    width = curves.Scale(lambda share: share, ticks, "of the work done", formatting.percent)
    height = curves.amounts(
        [max(0.0, value) for value in values], "bytes", "resident and not alive", float("inf")
    )
    drawing = curves.draw(
        drawn, width, height, f"Resident bytes that are not alive in {label} over its work", 1.5
    )
    caption = (
        "What the allocator holds beside what is alive. Marks: medians over trials, with intervals. "
        "Below 0, as where live blocks were never written to, is drawn as 0."
    )
    return Picture(f"Held beside live bytes: {label}", caption, drawing)


def summary(shown: Sequence[Allocator], trials: Trials) -> Grid | None:
    """What was resident beside what was alive, in a few figures for each allocator. Medians over trials."""
    rows = []
    for allocator in shown:
        seen = [found for trial in trials[allocator.name] if (found := _summed(trial))]
        if seen:
            middles = [median(list(column)) for column in zip(*seen)]
            rows.append(
                [
                    allocator.name,
                    formatting.quantity(middles[0], "bytes"),
                    formatting.quantity(middles[1], "bytes"),
                    formatting.change(middles[1] / middles[0]),
                    f"×{formatting.digits(middles[2])}",
                    formatting.quantity(middles[3], "bytes"),
                ]
            )
    heads = ["allocator", "most alive at once", "resident then", "more than alive"]
    heads.append("worst ratio while at least a tenth is alive")
    return Grid([*heads, "resident at the end"], rows) if rows else None


def _summed(trial: Trial) -> tuple[float, float, float, float] | None:
    if _excess(trial) is None:
        return None
    alive, resident = trial.series[LIVE].values, trial.series[RESIDENT].values
    most = max(alive)
    if most <= 0:
        return None
    worst = max((held / used for used, held in zip(alive, resident) if used >= most / 10), default=0.0)
    return most, resident[list(alive).index(most)], worst, resident[-1]
