"""The pictures of a workload. All share one layout, a row for each allocator with its name above the data, so
that long names never collide with data and the same allocator stands at the same height in every picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from faultline_reports.formatting import percentile, quantity, scale, shortened
from faultline_reports.report import style
from faultline_reports.statistics.interval import Interval

PITCH = 36.0
NAME_AT = 11.0  # baseline of the name in its row
DATA_TOP, DATA_BOTTOM = 16.0, 32.0
NAME_LIMIT = 32
LOG_FROM = 12.0  # ratio of largest to smallest beyond which an axis is logarithmic


@dataclass(frozen=True)
class Strip:
    """One allocator's samples of one metric, in order of rounds."""

    name: str
    values: Sequence[float]
    median: Interval


def strips(rows: Sequence[Strip], unit: str, identity: str, label: str) -> Markup:
    """Every sample as a dot (rounds run downwards inside a row), the median as a bar on its interval."""
    with matplotlib.rc_context(style.RC):
        figure, axes = style.axes_of_rows(len(rows), PITCH)
        everything = [value for row in rows for value in row.values]
        _axis(axes, everything, unit)
        dots_x: list[float] = []
        dots_y: list[float] = []
        for index, row in enumerate(rows):
            top = index * PITCH
            _name(axes, top, row.name, quantity(row.median.estimate, unit))
            axes.fill_between(
                [row.median.low, row.median.high],
                top + DATA_TOP,
                top + DATA_BOTTOM,
                color=style.BAND,
                linewidth=1.5,
            )
            offsets = _spread(len(row.values))
            dots_x += [*row.values]
            dots_y += [top + offset for offset in offsets]
            middle = [row.median.estimate, row.median.estimate]
            axes.plot(middle, [top + DATA_TOP - 1, top + DATA_BOTTOM + 1], color=style.MARK, linewidth=2.2)
        _dots(axes, dots_x, dots_y)
        return style.embedded(figure, identity, label)


@dataclass(frozen=True)
class Course:
    """One allocator's memory over time in one trial, nanoseconds since its release."""

    name: str
    at_ns: Sequence[float]
    values: Sequence[float]
    phases: Sequence[tuple[str, float, float]]  # name, begin, end


def courses(rows: Sequence[Course], identity: str, label: str) -> Markup:
    """Memory over time as an area for each allocator, all on one scale, the measured phase shaded."""
    with matplotlib.rc_context(style.RC):
        figure, axes = style.axes_of_rows(len(rows), PITCH + 8)
        pitch = PITCH + 8
        last = max(
            [time for row in rows for time in row.at_ns]
            + [end for row in rows for _, _, end in row.phases]
            + [1.0]
        )
        divisor, unit = scale(last, "ns")
        largest = max([value for row in rows for value in row.values] + [1.0])
        axes.set_xlim(0, last / divisor)
        axes.xaxis.set_major_locator(MaxNLocator(5, min_n_ticks=2))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
        axes.set_xlabel(unit, color=style.MUTED, fontsize=style.SMALL, labelpad=1)
        for index, row in enumerate(rows):
            top, bottom = index * pitch + DATA_TOP, (index + 1) * pitch - 4
            _name(axes, index * pitch, row.name, f"up to {quantity(max(row.values), 'bytes')}")
            for name, begin, end in row.phases:
                if name == "measure":
                    axes.fill_between(
                        [begin / divisor, end / divisor], top, bottom, color=style.SHADE, linewidth=0
                    )
                axes.plot([begin / divisor] * 2, [bottom - 5, bottom + 3], color=style.INK, linewidth=1)
            times, values = _thinned(row.at_ns, row.values)
            heights = bottom - np.asarray(values) / largest * (bottom - top)
            axes.fill_between(np.asarray(times) / divisor, heights, bottom, color=style.BAND, linewidth=0)
            axes.plot(np.asarray(times) / divisor, heights, color=style.MARK, linewidth=1.4)
        return style.embedded(figure, identity, label)


@dataclass(frozen=True)
class Tail:
    """One allocator's latency percentiles of one operation: (name, median over trials)."""

    name: str
    points: Sequence[tuple[str, float]]


def tails(rows: Sequence[Tail], identity: str, label: str) -> Markup:
    """Percentiles as marks of growing size on a logarithmic axis."""
    with matplotlib.rc_context(style.RC):
        figure, axes = style.axes_of_rows(len(rows), PITCH)
        _axis(axes, [max(value, 1.0) for row in rows for _, value in row.points], "ns")
        for index, row in enumerate(rows):
            top = index * PITCH
            _name(axes, top, row.name, "")
            at = [max(value, 1.0) for _, value in row.points]
            axes.plot(at, [top + 22] * len(at), color=style.BAND, linewidth=4, solid_capstyle="round")
            for (name, _), x in zip(row.points, at):
                axes.plot([x, x], [top + 18, top + 26], color=style.MARK, linewidth=2)
                axes.text(x, top + 34, percentile(name), fontsize=8, ha="center", color=style.MUTED)
        return style.embedded(figure, identity, label)


def _axis(axes: Axes, values: Sequence[float], unit: str) -> None:
    low, high = min(values), max(values)
    if low > 0 and high / low > LOG_FROM:
        axes.set_xscale("log")
        span = (high / low) ** 0.04
        axes.set_xlim(low / span, high * span)
        axes.xaxis.set_major_locator(FixedLocator(_decades(low / span, high * span)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: quantity(value, unit)))
        axes.set_xlabel("logarithmic", color=style.MUTED, fontsize=style.SMALL, labelpad=1)
        return
    if 0 < low < high * 0.4:
        low = 0.0
    space = (high - low) * 0.04 or abs(high) * 0.05 or 1.0
    divisor, name = scale(max(abs(low), abs(high)), unit)
    axes.set_xlim(low - space if low else 0.0, high + space)
    axes.xaxis.set_major_locator(MaxNLocator(5, min_n_ticks=2))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / divisor:,.6g}"))
    if divisor != 1.0:
        axes.xaxis.set_major_locator(FixedLocator(_scaled_ticks(axes, divisor)))
    axes.set_xlabel(name or "count", color=style.MUTED, fontsize=style.SMALL, labelpad=1)


def _scaled_ticks(axes: Axes, divisor: float) -> list[float]:
    """Round numbers in the unit that is shown, not in the one below."""
    low, high = axes.get_xlim()
    ticks = MaxNLocator(5, min_n_ticks=2).tick_values(low / divisor, high / divisor)
    return [float(tick) * divisor for tick in ticks if low <= tick * divisor <= high]


def _decades(low: float, high: float) -> list[float]:
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 3) if len(exponents) < 4 else (1,)
    ticks = [
        step * 10.0**exponent
        for exponent in exponents
        for step in steps
        if low <= step * 10.0**exponent <= high
    ]
    every = max(1, math.ceil(len(ticks) / 6))
    return ticks[::every]


def _name(axes: Axes, top: float, name: str, value: str) -> None:
    across = axes.get_yaxis_transform()
    if top > 0:
        axes.plot([0, 1], [top - 1, top - 1], transform=across, color=style.LINE, linewidth=0.7)
    axes.text(0, top + NAME_AT, shortened(name, NAME_LIMIT), transform=across, color=style.INK)
    axes.text(1, top + NAME_AT, value, transform=across, ha="right", color=style.MUTED)


def _dots(axes: Axes, xs: Sequence[float], ys: Sequence[float]) -> None:
    """All dots as one path of zero-length strokes with round ends: a tenth of the size of a marker each."""
    gap = float("nan")
    x = [coordinate for value in xs for coordinate in (value, value, gap)]
    y = [coordinate for value in ys for coordinate in (value, value, gap)]
    axes.plot(x, y, color=style.DOT, linewidth=3.8, solid_capstyle="round")


def _spread(count: int) -> list[float]:
    """Heights inside a row for so many dots, the first round on top."""
    if count == 1:
        return [(DATA_TOP + DATA_BOTTOM) / 2]
    step = (DATA_BOTTOM - DATA_TOP - 4) / (count - 1)
    return [DATA_TOP + 2 + index * step for index in range(count)]


def _thinned(
    times: Sequence[float], values: Sequence[float], limit: int = 240
) -> tuple[list[float], list[float]]:
    """At most about `limit` points that keep every stretch's highest and lowest value."""
    if len(times) <= limit:
        return list(times), list(values)
    kept: list[int] = []
    for part in np.array_split(np.arange(len(times)), limit // 2):
        slice_ = [values[index] for index in part]
        kept += sorted({int(part[int(np.argmin(slice_))]), int(part[int(np.argmax(slice_))])})
    return [times[index] for index in kept], [values[index] for index in kept]
