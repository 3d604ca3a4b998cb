"""Curves over one another, one for each allocator, with a key below: what is read along an axis that all
share. Each has a colour and a mark of its own, so that colour is not needed to tell them apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from faultline_reports.formatting import scale, shortened
from faultline_reports.report import drawing, figures, style
from faultline_reports.report.drawing import Drawing, Grid, numbers
from faultline_reports.report.figures import Stroke

LEFT, RIGHT, TOP, BELOW = 48.0, 14.0, 22.0, 38.0  # room around the data, in pixels
HEIGHT = 190.0  # of the data
LEAST_RANGE = 1.0  # pixels of an interval: a shorter one is behind its mark
EDGE = 12.0  # between the data's sides and the first and last place
MOST_DODGE = 20.0  # of all curves together
KEY_PITCH = 16.0
KEY_LINE = 26.0
NAME_LIMIT = 46
LABEL_ROOM = 34.0  # of a text under the axis


@dataclass(frozen=True)
class Point:
    x: float
    y: float
    low: float | None = None  # of an interval
    high: float | None = None


@dataclass(frozen=True)
class Curve:
    name: str
    line: Sequence[tuple[float, float]]
    marks: Sequence[Point]


@dataclass(frozen=True)
class Scale:
    """Where on its axis a value stands, from 0 to 1, and the values that are named on it."""

    at: Callable[[float], float]
    ticks: Sequence[tuple[float, str]]
    title: str
    say: Callable[[float], str]  # any value's name


@dataclass(frozen=True)
class Amounts(Scale):
    """What is measured: `say` leaves out `unit`, and LOW and HIGH are the ends in it."""

    low: float
    high: float
    is_log: bool
    unit: str


def places(names: Sequence[str], title: str) -> Scale:
    """Values 0, 1, 2 … with names, side by side."""
    last = max(1, len(names) - 1)
    step = math.ceil(len(names) * LABEL_ROOM / (style.WIDTH - LEFT - RIGHT))
    shown = [(float(index), name) for index, name in enumerate(names) if index % step == 0]
    return Scale(
        lambda value: value / last if len(names) > 1 else 0.5, shown, title, lambda value: names[int(value)]
    )


def amounts(values: Sequence[float], unit: str, title: str, log_from: float = figures.LOG_FROM) -> Amounts:
    """From 0, or logarithmic where the largest is more than `log_from` times the smallest."""
    low, high = min(values), max(values)
    if low > 0 and high / low > log_from:
        span = (high / low) ** 0.05
        bottom, whole = math.log(low / span), math.log(high / low * span**2)
        ticks = figures.decades(low / span, high * span, unit)
        named = [(tick, figures.round_number(tick, unit)) for tick in ticks]
        text, size, told = drawing.amounts([low, high], unit, True)
        return Amounts(
            lambda value: (math.log(value) - bottom) / whole,
            named,
            f"{title}, logarithmic",
            text,
            low / span / size,
            high * span / size,
            True,
            told,
        )
    top = (high or 1.0) * 1.06
    divisor, name = scale(high, unit)
    ticks = [tick * divisor for tick in MaxNLocator(5, min_n_ticks=2).tick_values(0, top / divisor)]
    named = [(tick, f"{tick / divisor:,.6g}") for tick in ticks if 0 <= tick <= top]
    text, size, told = drawing.amounts([0.0, top], unit)
    heading = f"{title}, {name}" if name else title
    return Amounts(lambda value: max(0.0, value) / top, named, heading, text, 0.0, top / size, False, told)


# A mark as strokes around its place, and their width. The first one is a stroke of no length with round ends.
MARKS: tuple[tuple[Sequence[Stroke], float], ...] = (
    ([(0, 0, 0, 0)], 6.5),
    ([(-3, 0, 3, 0)], 6.0),
    ([(-3, -3, 3, 3), (-3, 3, 3, -3)], 1.8),
    ([(-3.5, 3, 3.5, 3), (3.5, 3, 0, -3.5), (0, -3.5, -3.5, 3)], 1.6),
    ([(-4, 0, 4, 0), (0, -4, 0, 4)], 1.8),
    ([(-3, -3, 3, -3), (3, -3, 3, 3), (3, 3, -3, 3), (-3, 3, -3, -3)], 1.5),
    ([(0, -4.5, 0, 4.5)], 3.0),
    ([(-3.5, -3, 0, 3), (0, 3, 3.5, -3)], 1.8),
)
MARKS_APART = 3  # how far on in MARKS the second time round begins, where colours are the same again


def draw(curves: Sequence[Curve], x: Scale, y: Amounts, label: str, dodge: float = 0.0) -> Drawing:
    """The table has the marks with their intervals, and the line's other points. `dodge`: pixels from one
    curve to the next, at most, where marks at one place would hide each other; 0 where values between places
    mean something."""
    dodge = min(dodge, MOST_DODGE / len(curves))
    with matplotlib.rc_context(style.RC):
        below = BELOW + KEY_PITCH * len(curves) + 4
        height = HEIGHT + TOP + below
        across = style.WIDTH - LEFT - RIGHT
        figure = Figure(figsize=(style.WIDTH / style.POINTS, height / style.POINTS), dpi=style.POINTS)
        axes = figure.add_axes((LEFT / style.WIDTH, below / height, across / style.WIDTH, HEIGHT / height))
        _axis(axes, x, y, across)

        def px(value: float, index: int) -> float:
            return EDGE + x.at(value) * (across - 2 * EDGE) + (index - (len(curves) - 1) / 2) * dodge

        for index, curve in enumerate(curves):
            color = style.KINDS[index % len(style.KINDS)]
            line = [(px(at, index), y.at(value) * HEIGHT) for at, value in curve.line]
            axes.plot(*zip(*line), color=color, linewidth=1.5, linestyle=_dashes(index), zorder=2)
            marks = [(px(mark.x, index), y.at(mark.y) * HEIGHT) for mark in curve.marks]
            ranges = [
                (at, y.at(mark.low) * HEIGHT, at, y.at(mark.high) * HEIGHT)
                for mark, (at, _) in zip(curve.marks, marks)
                if mark.low is not None and mark.high is not None and mark.low < mark.high
            ]
            ranges = [(x0, low, x1, high) for x0, low, x1, high in ranges if high - low >= LEAST_RANGE]
            if ranges:
                figures.strokes(axes, ranges, color, 1.2, level=2.5)
            _marks(axes, marks, index)
            _key(axes, index)
        _names(axes, curves)
        table, at = _table(curves, x, y)
        ends = f"{numbers(y.low, y.high)} {'log' if y.is_log else 'lin'}"
        places = numbers(*(round(LEFT + EDGE + x.at(value) * (across - 2 * EDGE)) for value in at))
        spots = f"mark {numbers(TOP, HEIGHT)} {ends} {places}"
        return Drawing(style.embedded(figure, label), table, y.unit, spots)


def _table(curves: Sequence[Curve], x: Scale, y: Amounts) -> tuple[Grid, list[float]]:
    """And what its rows are of, along the axis."""
    cells: dict[float, dict[int, str]] = {}
    for index, curve in enumerate(curves):
        for at, value in curve.line:
            cells.setdefault(at, {})[index] = y.say(value)
        for mark in curve.marks:
            text = y.say(mark.y)
            if mark.low is not None and mark.high is not None and y.say(mark.low) != y.say(mark.high):
                text += f" ({y.say(mark.low)} to {y.say(mark.high)})"
            cells.setdefault(mark.x, {})[index] = text
    places = sorted(cells)
    rows = [[x.say(one), *(cells[one].get(index, "") for index in range(len(curves)))] for one in places]
    return Grid([x.title, *(curve.name for curve in curves)], rows), places


def _axis(axes: Axes, x: Scale, y: Scale, across: float) -> None:
    axes.set_xlim(0, across)
    axes.set_ylim(0, HEIGHT)
    ways = ((axes.xaxis, x, across - 2 * EDGE, EDGE), (axes.yaxis, y, HEIGHT, 0.0))
    for axis, kind, length, start in ways:
        names = {start + kind.at(value) * length: text for value, text in kind.ticks}
        axis.set_major_locator(FixedLocator(list(names)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _, names=names: names.get(value, "")))
    axes.tick_params(axis="y", length=0, labelcolor=style.MUTED, labelsize=style.SMALL)
    axes.grid(True)
    axes.set_axisbelow(True)
    axes.set_xlabel(x.title, color=style.MUTED, fontsize=style.SMALL, labelpad=2)
    axes.text(4 - LEFT, HEIGHT + 10, y.title, color=style.MUTED, fontsize=style.SMALL)


def _dashes(index: int) -> str | tuple[int, tuple[int, ...]]:
    return "-" if index < len(style.KINDS) else (0, (4, 2))


def _marks(axes: Axes, at: Sequence[tuple[float, float]], index: int) -> None:
    again = index // len(style.KINDS) * MARKS_APART
    shape, width = MARKS[(index + again) % len(MARKS)]
    drawn = [(x + x0, y - y0, x + x1, y - y1) for x, y in at for x0, y0, x1, y1 in shape]
    ends = "round" if len(shape) == 1 and shape[0][0] == shape[0][2] == 0 == shape[0][1] else "butt"
    if drawn:
        figures.strokes(axes, drawn, style.KINDS[index % len(style.KINDS)], width, ends, level=3)


def _key(axes: Axes, index: int) -> None:
    y = -BELOW - KEY_PITCH * (index + 0.5)
    left = 14 - LEFT
    color = style.KINDS[index % len(style.KINDS)]
    axes.plot(
        [left, left + KEY_LINE],
        [y, y],
        color=color,
        linewidth=1.5,
        linestyle=_dashes(index),
        scalex=False,
        scaley=False,
    )
    _marks(axes, [(left + KEY_LINE / 2, y)], index)


def _names(axes: Axes, curves: Sequence[Curve]) -> None:
    """Of the key."""
    for index, name in enumerate(shortened([curve.name for curve in curves], NAME_LIMIT)):
        axes.text(
            14 - LEFT + KEY_LINE + 8,
            -BELOW - KEY_PITCH * (index + 0.5),
            name,
            va="center",
            color=style.INK,
            fontsize=style.SMALL,
        )
