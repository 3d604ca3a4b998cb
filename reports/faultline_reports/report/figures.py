"""The pictures of a workload. All share one layout, a row for each allocator with its name above the data, so
that long names never collide with data and the same allocator stands at the same height in every picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import matplotlib
from matplotlib.axes import Axes
from matplotlib.patches import Polygon
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from faultline_reports.formatting import change, quantity, scale, shortened
from faultline_reports.report import drawing, style
from faultline_reports.report.drawing import Drawing, Grid, numbers
from faultline_reports.statistics.interval import Interval

PITCH = 36.0  # of a row, in pixels
COURSE_PITCH = 44.0
NAME_AT = 11.0  # baseline of the name in its row
DATA_TOP, DATA_BOTTOM = 16.0, 32.0  # of the data in its row
NAME_LIMIT = 32
LOG_FROM = 12.0  # ratio of largest to smallest beyond which an axis is logarithmic


@dataclass(frozen=True)
class Strip:
    """One allocator's samples of one metric by round, in their order."""

    name: str
    samples: Mapping[int, float]
    median: Interval

    @property
    def values(self) -> list[float]:
        return list(self.samples.values())


def strips(rows: Sequence[Strip], unit: str, label: str) -> Drawing:
    """Every sample as a dot (rounds run downwards inside a row), the median as a bar on its interval."""
    with matplotlib.rc_context(style.RC):
        figure, axes = style.axes_of_rows(len(rows), PITCH)
        _axis(axes, [value for row in rows for value in row.values], unit)
        names(axes, [(row.name, quantity(row.median.estimate, unit)) for row in rows], PITCH)
        boxes: list[Stroke] = []
        bars: list[Stroke] = []
        dots: list[Stroke] = []
        for index, row in enumerate(rows):
            top, bottom = index * PITCH + DATA_TOP, index * PITCH + DATA_BOTTOM
            boxes.append((row.median.low, (top + bottom) / 2, row.median.high, (top + bottom) / 2))
            bars.append((row.median.estimate, top - 1, row.median.estimate, bottom + 1))
            dots += [(x, y, x, y) for x, y in zip(row.values, _spread(len(row.values), top + 2, bottom - 2))]
        strokes(axes, boxes, style.BAND, DATA_BOTTOM - DATA_TOP)
        strokes(axes, dots, style.DOT, 3.8, "round")  # zero-length strokes with round ends: small in the file
        strokes(axes, bars, style.MARK, 2.2)
        text, spots, name = _told(axes, unit, PITCH)
        table = drawing.by_round(
            [row.name for row in rows], [row.median for row in rows], [row.samples for row in rows], text
        )
        return Drawing(style.embedded(figure, label), table, name, spots)


def _told(axes: Axes, unit: str, pitch: float) -> tuple[Callable[[float], str], str, str]:
    """How figures along a picture's axis are written in its table, where they are, and their unit."""
    is_log, ends = axes.get_xscale() == "log", axes.get_xlim()
    text, divisor, name = drawing.amounts(ends, unit, is_log)
    places = numbers(pitch, *(end / divisor for end in ends))
    return text, f"row {places} {'log' if is_log else 'lin'}", name


@dataclass(frozen=True)
class Course:
    """One allocator's memory over time in one trial, nanoseconds since its release."""

    name: str
    at_ns: Sequence[float]
    values: Sequence[float]
    phases: Sequence[tuple[str, float, float]]  # name, begin, end
    inner: Sequence[float] = ()  # a second line on the same times: what of it is alive


class Timed(Protocol):
    @property
    def at_ns(self) -> Sequence[float]:
        ...


POINTS, FEW_POINTS = 64, 32  # of a course; the fewer where a page has many pictures


def courses(rows: Sequence[Course], unit_of_values: str, label: str, points: int = POINTS) -> Drawing:
    """Figures over time as an area for each allocator, all on one scale, the measured phase shaded. At most
    about `points` in each."""
    with matplotlib.rc_context(style.RC):
        figure, axes = style.axes_of_rows(len(rows), COURSE_PITCH)
        ends = [end for row in rows for _, _, end in row.phases]
        last = max([time for row in rows for time in row.at_ns] + ends + [1.0])
        divisor, unit = scale(last, "ns")
        largest = max([value for row in rows for value in row.values] + [1.0])
        axes.set_xlim(0, last / divisor)
        parts = min(points // 2, max(len(row.at_ns) for row in rows))
        inside = [tick for tick in MaxNLocator(5, min_n_ticks=2).tick_values(0, last / divisor) if tick >= 0]
        _ticks(axes, [tick for tick in inside if tick <= last / divisor], lambda value: f"{value:,.6g}")
        axes.set_xlabel(unit, color=style.MUTED, fontsize=style.SMALL, labelpad=2)
        tops = [f"up to {quantity(max(row.values), unit_of_values)}" for row in rows]
        names(axes, [(row.name, top) for row, top in zip(rows, tops)], COURSE_PITCH)
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
        strokes(axes, shades, style.SHADE, COURSE_PITCH - 4 - DATA_TOP, level=0.5)
        for index, row in enumerate(rows):
            bottom = (index + 1) * COURSE_PITCH - 4
            height = COURSE_PITCH - 4 - DATA_TOP
            times, values = _taken(row.at_ns, row.values, parts)
            x = [time / divisor for time in times]
            y = [bottom - value / largest * height for value in values]
            axes.add_patch(
                Polygon(
                    [(x[0], bottom), *zip(x, y), (x[-1], bottom)], closed=True, color=style.BAND, linewidth=0
                )
            )
            axes.plot(x, y, color=style.MARK, linewidth=1.4)
            if row.inner:
                times, values = _taken(row.at_ns, row.inner, parts)
                axes.plot(
                    [time / divisor for time in times],
                    [bottom - value / largest * height for value in values],
                    color=style.KINDS[3],
                    linewidth=1.4,
                )
        strokes(axes, ticks, style.INK, 1)
        table, name = _table_of_courses(rows, unit_of_values, parts)
        return Drawing(style.embedded(figure, label), table, name, parts_of_time(rows, last, COURSE_PITCH))


def _table_of_courses(rows: Sequence[Course], unit: str, parts: int) -> tuple[Grid, str]:
    text, _, name = drawing.amounts(
        [0.0, max([1.0, *(value for row in rows for value in row.values)])], unit, steps=drawing.FEW_STEPS
    )

    def cell(values: Sequence[float], part: int) -> str:
        found = [text(values[at]) for at in stretches(values, parts)[part]]
        ends = sorted({entry: None for entry in found}, key=lambda entry: float(entry.replace(",", "")))
        return " to ".join(ends)

    def both(row: Course, part: int) -> str:
        return cell(row.values, part) + (f" | {cell(row.inner, part)}" if row.inner else "")

    told = [[percent_of_time(part + 1, parts), *(both(row, part) for row in rows)] for part in range(parts)]
    heads = [f"{row.name}, {quantity(row.at_ns[-1], 'ns')}" for row in rows]
    return Grid(["of its time", *heads], told), name


def percent_of_time(part: int, parts: int) -> str:
    return f"{100 * part / parts:.0f} %"


def parts_of_time(rows: Sequence[Timed], last: float, pitch: float) -> str:
    """Where the parts of each row's time are, for Drawing.spots."""
    left, across = style.SIDE, style.WIDTH - 2 * style.SIDE
    ends = [left + at / last * across for row in rows for at in (row.at_ns[0], row.at_ns[-1])]
    return f"part {numbers(pitch, *(round(end) for end in ends))}"


@dataclass(frozen=True)
class Paired:
    """One allocator's differences from the baseline by round, logarithms of ratios."""

    name: str
    by_round: Mapping[int, float]
    shown: Interval

    @property
    def differences(self) -> list[float]:
        return list(self.by_round.values())


RATIO_TICKS = (
    0.01,
    0.1,
    0.2,
    0.3,
    0.5,
    0.7,
    0.8,
    0.9,
    0.95,
    1.05,
    1.1,
    1.25,
    1.5,
    2.0,
    3.0,
    5.0,
    10.0,
    100.0,
)


def ratio_ticks(low: float, high: float, most: int, known: Sequence[float] = RATIO_TICKS) -> list[float]:
    """Of the round ratios between two logarithms those farthest apart, that of no difference among them."""
    chosen = [0.0]
    edge = (high - low) * 0.02  # a tick at the very edge has no room for its text
    candidates = [math.log(tick) for tick in known if low + edge <= math.log(tick) <= high - edge]
    while candidates and len(chosen) < most:
        best = max(candidates, key=lambda tick: min(abs(tick - other) for other in chosen))
        if min(abs(best - other) for other in chosen) < (high - low) / (most * 1.6):
            break
        chosen.append(best)
        candidates.remove(best)
    return sorted(chosen)


def ratio_name(value: float) -> str:
    return "same" if value == 0 else change(math.exp(value))


def differences(rows: Sequence[Paired], baseline: str, label: str) -> Drawing:
    """Every round's difference as a dot, the estimate as a bar on its interval, and a line where there is
    none."""
    with matplotlib.rc_context(style.RC):
        figure, axes = style.axes_of_rows(len(rows), PITCH)
        values = [value for row in rows for value in row.differences] + [0.0]
        space = max((max(values) - min(values)) * 0.05, 0.004)
        low, high = min(values) - space, max(values) + space
        axes.set_xlim(low, high)
        axes.xaxis.set_major_locator(FixedLocator(ratio_ticks(low, high, 5)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: ratio_name(value)))
        names(axes, [(row.name, change(math.exp(row.shown.estimate))) for row in rows], PITCH)
        boxes: list[Stroke] = []
        bars: list[Stroke] = []
        dots: list[Stroke] = []
        for index, row in enumerate(rows):
            top, bottom = index * PITCH + DATA_TOP, index * PITCH + DATA_BOTTOM
            boxes.append((row.shown.low, (top + bottom) / 2, row.shown.high, (top + bottom) / 2))
            bars.append((row.shown.estimate, top - 1, row.shown.estimate, bottom + 1))
            heights = _spread(len(row.differences), top + 2, bottom - 2)
            dots += [(x, y, x, y) for x, y in zip(row.differences, heights)]
        tops = [
            index * PITCH for index in range(len(rows))
        ]  # beside the data alone, so that it crosses no text
        zero = [(0.0, top + DATA_TOP - 2, 0.0, top + DATA_BOTTOM + 2) for top in tops]
        strokes(axes, zero, style.MUTED, 1.2, level=1.5)
        strokes(axes, boxes, style.BAND, DATA_BOTTOM - DATA_TOP)
        strokes(axes, dots, style.DOT, 3.8, "round")
        strokes(axes, bars, style.MARK, 2.2)
        table = drawing.by_round(
            [row.name for row in rows],
            [row.shown for row in rows],
            [row.by_round for row in rows],
            drawing.ratio,
            "estimate",
        )
        spots = f"row {numbers(PITCH, math.exp(low), math.exp(high))} log"
        return Drawing(style.embedded(figure, label), table, f"× {baseline}", spots)


def ecdf(rows: Sequence[Strip], unit: str, baseline: str, label: str) -> Drawing:
    """The share of trials at or below each value, a row for each allocator; the baseline's, thin, in each."""
    with matplotlib.rc_context(style.RC):
        figure, axes = style.axes_of_rows(len(rows), COURSE_PITCH)
        _axis(axes, [value for row in rows for value in row.values], unit)
        names(axes, [(row.name, quantity(row.median.estimate, unit)) for row in rows], COURSE_PITCH)
        base = next((row.values for row in rows if row.name == baseline), ())
        left, right = axes.get_xlim()
        for index, row in enumerate(rows):
            top, bottom = index * COURSE_PITCH + DATA_TOP, (index + 1) * COURSE_PITCH - 4
            for values, color, width in ((base, style.MUTED, 0.8), (row.values, style.MARK, 1.6)):
                if values and (values is not base or row.name != baseline or width > 1):
                    x, y = _steps(values, left, right, top, bottom)
                    axes.plot(x, y, color=color, linewidth=width, scalex=False, scaley=False)
        text, spots, name = _told(axes, unit, COURSE_PITCH)
        ordered = [sorted(row.values) for row in rows]
        told = [
            [str(at + 1), *(text(values[at]) if at < len(values) else "" for values in ordered)]
            for at in range(max(map(len, ordered)))
        ]
        heads = [f"{row.name}, of {len(row.values)}" for row in rows]
        return Drawing(style.embedded(figure, label), Grid(["trials", *heads], told), name, spots)


def _steps(
    values: Sequence[float], left: float, right: float, top: float, bottom: float
) -> tuple[list[float], list[float]]:
    x, y = [left], [bottom]
    for number, value in enumerate(sorted(values), 1):
        x += [value, value]
        y += [y[-1], bottom - number / len(values) * (bottom - top)]
    return [*x, right], [*y, y[-1]]


Stroke = tuple[float, float, float, float]  # x and y of both ends


def strokes(
    axes: Axes, strokes: Sequence[Stroke], color: str, width: float, ends: str = "butt", level: float = 2.0
) -> None:
    """Many straight strokes as one path: a fraction of the time and size of as many lines."""
    gap = float("nan")
    x = [value for x0, _, x1, _ in strokes for value in (x0, x1, gap)]
    y = [value for _, y0, _, y1 in strokes for value in (y0, y1, gap)]
    axes.plot(
        x, y, color=color, linewidth=width, solid_capstyle=ends, zorder=level, scalex=False, scaley=False
    )


def names(axes: Axes, rows: Sequence[tuple[str, str]], pitch: float) -> None:
    """Each row's name on the left and value on the right, and a line between rows."""
    across = axes.get_yaxis_transform()
    for index, name in enumerate(shortened([name for name, _ in rows], NAME_LIMIT)):
        at = index * pitch + NAME_AT
        axes.text(0, at, name, transform=across, color=style.INK)
    for index, (_, value) in enumerate(rows):
        if value:
            at = index * pitch + NAME_AT
            axes.text(1, at, value, transform=across, ha="right", color=style.MUTED)
    low, high = axes.get_xlim()
    lines = [(low, index * pitch - 1, high, index * pitch - 1) for index in range(1, len(rows))]
    strokes(axes, lines, style.LINE, 0.7)


def _axis(axes: Axes, values: Sequence[float], unit: str) -> None:
    low, high = min(values), max(values)
    if low > 0 and high / low > LOG_FROM:
        axes.set_xscale("log")
        span = (high / low) ** 0.04
        axes.set_xlim(low / span, high * span)
        _ticks(axes, decades(low / span, high * span, unit), lambda value: round_number(value, unit))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("logarithmic", color=style.MUTED, fontsize=style.SMALL, labelpad=2)
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
    inside = [tick * divisor for tick in ticks if low <= tick * divisor <= high]
    _ticks(axes, inside, lambda value: f"{value / divisor:,.6g}")
    axes.set_xlabel(name or "count", color=style.MUTED, fontsize=style.SMALL, labelpad=2)


def zero_axis(axes: Axes, largest: float, unit: str) -> None:
    """From 0 to the largest, with round ticks in the unit that it reads well in."""
    divisor, name = scale(largest, unit)
    axes.set_xlim(0, largest * 1.02)
    ticks = MaxNLocator(5, min_n_ticks=2).tick_values(0, largest / divisor)
    inside = [tick * divisor for tick in ticks if 0 <= tick * divisor <= largest * 1.02]
    _ticks(axes, inside, lambda value: f"{value / divisor:,.6g}")
    axes.set_xlabel(name or "count", color=style.MUTED, fontsize=style.SMALL, labelpad=2)


DIGIT = 6.4  # the widest of a tick's name, in pixels


def _ticks(axes: Axes, values: Sequence[float], text: Callable[[float], str]) -> None:
    """Ticks whose names have room: one at the edge of the data may have none left in the picture."""

    def room(value: float) -> float:
        at = axes.transData.transform((value, 0))[0]
        return float(min(at, style.WIDTH - at))

    kept = [value for value in values if room(value) >= len(text(value)) * DIGIT / 2]
    axes.xaxis.set_major_locator(FixedLocator(kept))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))


def round_number(value: float, unit: str) -> str:
    """A value of decades() as text."""
    divisor, name = scale(value, unit)
    figures = f"{value / divisor:,.0f}" if value >= 100 * divisor else f"{value / divisor:.3g}"
    return f"{figures} {name}".strip()


def decades(low: float, high: float, unit: str) -> list[float]:
    """Round values for a logarithmic axis: powers of ten, for bytes of KiB, MiB and so on."""
    if unit == "bytes":
        every = [step * 1024.0**power for power in range(6) for step in (1, 10, 100)]
    else:
        exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        steps = (1, 3) if len(exponents) < 4 else (1,)
        every = [step * 10.0**exponent for exponent in exponents for step in steps]
    inside = [tick for tick in every if low <= tick <= high]
    return inside[:: max(1, math.ceil(len(inside) / 6))]


def _spread(count: int, top: float, bottom: float) -> list[float]:
    """Heights inside a row for so many dots, the first round on top."""
    if count == 1:
        return [(top + bottom) / 2]
    return [top + index * (bottom - top) / (count - 1) for index in range(count)]


def stretches(values: Sequence[float], parts: int) -> list[list[int]]:
    """The places of each of so many stretches' lowest and highest value. A stretch may be empty."""
    found = []
    for part in range(parts):
        places = range(part * len(values) // parts, (part + 1) * len(values) // parts)
        ends = (
            {min(places, key=lambda at: values[at]), max(places, key=lambda at: values[at])} if places else ()
        )
        found.append(sorted(ends))
    return found


def _taken(times: Sequence[float], values: Sequence[float], parts: int) -> tuple[list[float], list[float]]:
    """The lowest and highest of every stretch."""
    kept = [at for stretch in stretches(values, parts) for at in stretch]
    return [times[index] for index in kept], [values[index] for index in kept]
