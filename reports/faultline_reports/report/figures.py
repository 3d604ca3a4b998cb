"""The pictures of a workload. All share one layout, a row for each allocator with its name above the data, so
that long names never collide with data and the same allocator stands at the same height in every picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.patches import Polygon
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from faultline_reports.formatting import percentile, quantity, scale, shortened
from faultline_reports.report import style
from faultline_reports.statistics.interval import Interval

PITCH = 36.0  # of a row, in pixels
TAIL_PITCH = 44.0
COURSE_PITCH = 44.0
NAME_AT = 11.0  # baseline of the name in its row
DATA_TOP, DATA_BOTTOM = 16.0, 32.0  # of the data in its row
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
        _axis(axes, [value for row in rows for value in row.values], unit)
        _names(axes, [(row.name, quantity(row.median.estimate, unit)) for row in rows], PITCH)
        boxes: list[Stroke] = []
        bars: list[Stroke] = []
        dots: list[Stroke] = []
        for index, row in enumerate(rows):
            top, bottom = index * PITCH + DATA_TOP, index * PITCH + DATA_BOTTOM
            boxes.append((row.median.low, (top + bottom) / 2, row.median.high, (top + bottom) / 2))
            bars.append((row.median.estimate, top - 1, row.median.estimate, bottom + 1))
            dots += [(x, y, x, y) for x, y in zip(row.values, _spread(len(row.values), top + 2, bottom - 2))]
        _strokes(axes, boxes, style.BAND, DATA_BOTTOM - DATA_TOP)
        _strokes(
            axes, dots, style.DOT, 3.8, "round"
        )  # zero-length strokes with round ends: small in the file
        _strokes(axes, bars, style.MARK, 2.2)
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
        figure, axes = style.axes_of_rows(len(rows), COURSE_PITCH)
        ends = [end for row in rows for _, _, end in row.phases]
        last = max([time for row in rows for time in row.at_ns] + ends + [1.0])
        divisor, unit = scale(last, "ns")
        largest = max([value for row in rows for value in row.values] + [1.0])
        axes.set_xlim(0, last / divisor)
        axes.xaxis.set_major_locator(MaxNLocator(5, min_n_ticks=2))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
        axes.set_xlabel(unit, color=style.MUTED, fontsize=style.SMALL, labelpad=1)
        _names(
            axes, [(row.name, f"up to {quantity(max(row.values), 'bytes')}") for row in rows], COURSE_PITCH
        )
        ticks: list[Stroke] = []
        shades: list[Stroke] = []
        for index, row in enumerate(rows):
            top, bottom = index * COURSE_PITCH + DATA_TOP, (index + 1) * COURSE_PITCH - 4
            middle = (top + bottom) / 2
            measured = [
                (begin / divisor, end / divisor) for name, begin, end in row.phases if name == "measure"
            ]
            shades += [(begin, middle, end, middle) for begin, end in measured]
            ticks += [
                (begin / divisor, bottom - 5, begin / divisor, bottom + 3) for _, begin, _ in row.phases
            ]
        _strokes(axes, shades, style.SHADE, COURSE_PITCH - 4 - DATA_TOP, level=0.5)
        for index, row in enumerate(rows):
            bottom = (index + 1) * COURSE_PITCH - 4
            height = COURSE_PITCH - 4 - DATA_TOP
            times, values = _thinned(row.at_ns, row.values)
            x = [time / divisor for time in times]
            y = [bottom - value / largest * height for value in values]
            axes.add_patch(
                Polygon(
                    [(x[0], bottom), *zip(x, y), (x[-1], bottom)], closed=True, color=style.BAND, linewidth=0
                )
            )
            axes.plot(x, y, color=style.MARK, linewidth=1.4)
        _strokes(axes, ticks, style.INK, 1)
        return style.embedded(figure, identity, label)


@dataclass(frozen=True)
class Tail:
    """One allocator's latency percentiles of one operation: (name, median over trials)."""

    name: str
    points: Sequence[tuple[str, float]]


def tails(rows: Sequence[Tail], identity: str, label: str) -> Markup:
    """Percentiles as marks on a line, each with its name below where there is room."""
    with matplotlib.rc_context(style.RC):
        figure, axes = style.axes_of_rows(len(rows), TAIL_PITCH)
        _axis(axes, [max(value, 1.0) for row in rows for _, value in row.points], "ns")
        _names(axes, [(row.name, "") for row in rows], TAIL_PITCH)
        lines: list[Stroke] = []
        marks: list[Stroke] = []
        for index, row in enumerate(rows):
            middle = index * TAIL_PITCH + 23
            at = [max(value, 1.0) for _, value in row.points]
            lines.append((min(at), middle, max(at), middle))
            marks += [(x, middle - 4, x, middle + 4) for x in at]
            labelled = -math.inf
            for (name, _), x in zip(row.points, at):
                pixel = axes.transData.transform((x, middle))[0]
                if pixel - labelled >= 20:
                    axes.text(x, middle + 13, percentile(name), fontsize=8.5, ha="center", color=style.MUTED)
                    labelled = pixel
        _strokes(axes, lines, style.BAND, 4, "round")
        _strokes(axes, marks, style.MARK, 2)
        return style.embedded(figure, identity, label)


Stroke = tuple[float, float, float, float]  # x and y of both ends


def _strokes(
    axes: Axes, strokes: Sequence[Stroke], color: str, width: float, ends: str = "butt", level: float = 2.0
) -> None:
    """Many straight strokes as one path: a fraction of the time and size of as many lines."""
    gap = float("nan")
    x = [value for x0, _, x1, _ in strokes for value in (x0, x1, gap)]
    y = [value for _, y0, _, y1 in strokes for value in (y0, y1, gap)]
    axes.plot(
        x, y, color=color, linewidth=width, solid_capstyle=ends, zorder=level, scalex=False, scaley=False
    )


def _names(axes: Axes, rows: Sequence[tuple[str, str]], pitch: float) -> None:
    """Each row's name on the left and value on the right, and a line between rows."""
    across = axes.get_yaxis_transform()
    for index, (name, value) in enumerate(rows):
        at = index * pitch + NAME_AT
        axes.text(0, at, shortened(name, NAME_LIMIT), transform=across, color=style.INK)
        if value:
            axes.text(1, at, value, transform=across, ha="right", color=style.MUTED)
    low, high = axes.get_xlim()
    lines = [(low, index * pitch - 1, high, index * pitch - 1) for index in range(1, len(rows))]
    _strokes(axes, lines, style.LINE, 0.7)


def _axis(axes: Axes, values: Sequence[float], unit: str) -> None:
    low, high = min(values), max(values)
    if low > 0 and high / low > LOG_FROM:
        axes.set_xscale("log")
        span = (high / low) ** 0.04
        axes.set_xlim(low / span, high * span)
        axes.xaxis.set_major_locator(FixedLocator(_decades(low / span, high * span)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _round_number(value, unit)))
        axes.set_xlabel("logarithmic", color=style.MUTED, fontsize=style.SMALL, labelpad=1)
        return
    if 0 < low < high * 0.4:
        low = 0.0
    space = (high - low) * 0.04 or abs(high) * 0.05 or 1.0
    divisor, name = scale(max(abs(low), abs(high)), unit)
    low, high = low - space if low else 0.0, high + space
    axes.set_xlim(low, high)
    ticks = MaxNLocator(5, min_n_ticks=2).tick_values(
        low / divisor, high / divisor
    )  # round in the unit shown
    axes.xaxis.set_major_locator(
        FixedLocator([tick * divisor for tick in ticks if low <= tick * divisor <= high])
    )
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / divisor:,.6g}"))
    axes.set_xlabel(name or "count", color=style.MUTED, fontsize=style.SMALL, labelpad=1)


def _round_number(value: float, unit: str) -> str:
    divisor, name = scale(value, unit)
    return f"{value / divisor:,.3g} {name}".strip()


def _decades(low: float, high: float) -> list[float]:
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 3) if len(exponents) < 4 else (1,)
    ticks = [step * 10.0**exponent for exponent in exponents for step in steps]
    inside = [tick for tick in ticks if low <= tick <= high]
    return inside[:: max(1, math.ceil(len(inside) / 6))]


def _spread(count: int, top: float, bottom: float) -> list[float]:
    """Heights inside a row for so many dots, the first round on top."""
    if count == 1:
        return [(top + bottom) / 2]
    return [top + index * (bottom - top) / (count - 1) for index in range(count)]


def _thinned(
    times: Sequence[float], values: Sequence[float], limit: int = 240
) -> tuple[list[float], list[float]]:
    """At most about `limit` points that keep every stretch's lowest and highest value."""
    if len(times) <= limit:
        return list(times), list(values)
    kept: list[int] = []
    parts = limit // 2
    for part in range(parts):
        stretch = range(part * len(times) // parts, (part + 1) * len(times) // parts)
        kept += sorted({min(stretch, key=lambda at: values[at]), max(stretch, key=lambda at: values[at])})
    return [times[index] for index in kept], [values[index] for index in kept]
