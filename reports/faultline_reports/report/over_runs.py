"""The picture of a site's pages: CPU time against the baseline from run to run, a row for each allocator or
workload, with the change points that the history found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
from markupsafe import Markup
from matplotlib.ticker import FixedLocator, NullLocator

from faultline_reports.formatting import change
from faultline_reports.report import figures, style
from faultline_reports.report.figures import Stroke

PITCH = 64.0
LABELS = 0.16  # of the width, left of the data, for the ends of a row's scale
MOST_ROWS = 40  # the table under it has all


@dataclass(frozen=True)
class Point:
    place: int  # of its run among all that are shown, the oldest first
    estimate: float  # logarithm of a ratio
    low: float
    high: float


@dataclass(frozen=True)
class Line:
    name: str
    points: Sequence[Point]
    changes: Sequence[int]  # places of runs with which a new level begins


def draw(lines: Sequence[Line], dates: Sequence[str], label: str) -> Markup:
    """Each row on a scale of its own, whose ends are named, so that a step is seen beside a large difference.
    Upwards is more. The line across is where there is no difference, if that is in the row."""
    with matplotlib.rc_context(style.RC):
        figure, axes = style.axes_of_rows(len(lines), PITCH)
        last = max(1, len(dates) - 1)
        axes.set_xlim(-LABELS * last, 1.03 * last)
        height = PITCH - 8 - figures.DATA_TOP
        scales = [_scale(line) for line in lines]

        def y(value: float, row: int) -> float:
            low, high = scales[row]
            return (row + 1) * PITCH - 6 - (value - low) / (high - low) * height

        figures.names(axes, [(line.name, _last(line)) for line in lines], PITCH)
        zero: list[Stroke] = []
        ranges: list[Stroke] = []
        dots: list[Stroke] = []
        changes: list[Stroke] = []
        for row, line in enumerate(lines):
            low, high = scales[row]
            if low <= 0 <= high:
                zero.append((0, y(0, row), last, y(0, row)))
            for value, at in ((high, y(high, row) + 6), (low, y(low, row))):
                words = change(math.exp(value))
                axes.text(-0.02 * last, at, words, ha="right", color=style.MUTED, fontsize=style.SMALL)
            for point in line.points:
                x = float(point.place)
                ranges.append((x, y(point.low, row), x, y(point.high, row)))
                dots.append((x, y(point.estimate, row), x, y(point.estimate, row)))
            top, bottom = row * PITCH + figures.DATA_TOP - 2, (row + 1) * PITCH - 2
            changes += [(place - 0.5, top, place - 0.5, bottom) for place in line.changes]
        figures.strokes(axes, zero, style.MUTED, 0.8, level=1.5)
        figures.strokes(axes, ranges, style.BAND, 3.0)
        figures.strokes(axes, dots, style.MARK, 4.0, "round")
        figures.strokes(axes, changes, style.KINDS[3], 1.6, level=3)
        shown = {0: dates[0]} if len(dates) < 2 else {0: dates[0], len(dates) - 1: dates[-1]}
        axes.xaxis.set_major_locator(FixedLocator(list(shown)))
        axes.xaxis.set_minor_locator(NullLocator())
        for tick, side in zip(axes.set_xticklabels(list(shown.values())), ("left", "right")):
            tick.set_horizontalalignment(side)
        return style.embedded(figure, label)


def _scale(line: Line) -> tuple[float, float]:
    ends = [end for point in line.points for end in (point.low, point.high)]
    low, high = min(ends), max(ends)
    return (low, high) if high - low > 1e-3 else (low - 0.005, high + 0.005)


def _last(line: Line) -> str:
    return change(math.exp(line.points[-1].estimate)) if line.points else ""
