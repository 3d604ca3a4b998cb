"""The picture of time against memory: a point for each allocator with the intervals of both, and its name
beside it."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from faultline_reports.formatting import shortened
from faultline_reports.report import drawing, figures, style
from faultline_reports.report.pareto import Pareto, Point

LEFT, RIGHT, TOP, BELOW = 42.0, 134.0, 22.0, 38.0  # room around the data, in pixels
LEAST_HEIGHT = 190.0
NAME_PITCH = 17.0
NAME_LIMIT = 17


def draw(pareto: Pareto) -> Figure:
    points = pareto.points
    data = max(LEAST_HEIGHT, NAME_PITCH * len(points))
    height = data + TOP + BELOW
    with matplotlib.rc_context(style.RC):
        figure = Figure(figsize=(style.WIDTH / style.POINTS, height / style.POINTS), dpi=style.POINTS)
        across = style.WIDTH - LEFT - RIGHT
        axes = figure.add_axes((LEFT / style.WIDTH, BELOW / height, across / style.WIDTH, data / height))
        _axis(axes, "x", [value for p in points for value in (p.time.low, p.time.high)], 3)
        _axis(axes, "y", [value for p in points for value in (p.memory.low, p.memory.high)], 5)
        axes.grid(True)
        axes.set_axisbelow(True)
        axes.set_xlabel("CPU time", color=style.MUTED, fontsize=style.SMALL, labelpad=2)
        axes.text(
            -LEFT / across,
            1 + 9 / data,
            pareto.memory.short,
            transform=axes.transAxes,
            color=style.MUTED,
            fontsize=style.SMALL,
        )
        axes.tick_params(axis="y", length=0, labelcolor=style.MUTED, labelsize=style.SMALL)
        _ties(axes, points)
        for point in points:
            x, y = point.time, point.memory
            axes.plot([x.low, x.high], [y.estimate] * 2, color=style.DOT, linewidth=1.4)
            axes.plot([x.estimate] * 2, [y.low, y.high], color=style.DOT, linewidth=1.4)
        # Points are strokes of no length with round ends: markers would be references inside the SVG.
        at = [(p.time.estimate, p.memory.estimate) for p in points]
        figures.strokes(axes, [(x, y, x, y) for x, y in at], style.MARK, 9, "round", level=3)
        hollow = [(x, y, x, y) for (x, y), point in zip(at, points) if not point.front]
        figures.strokes(axes, hollow, style.PAGE, 5, "round", level=4)
        _names(axes, pareto, across, data)
        return figure


def svg(pareto: Pareto) -> Markup:
    label = "CPU time against memory: " + "; ".join(
        f"{row[0]} {row[1]} CPU time, {row[3]} {pareto.memory.short.lower()}" for row in pareto.rows()
    )
    return style.embedded(draw(pareto), label)


def spots(pareto: Pareto) -> str:
    """Where the points are in the picture, as drawing.Drawing says it."""
    figure = draw(pareto)
    height = figure.get_figheight() * style.POINTS
    places = [(point.time.estimate, point.memory.estimate) for point in pareto.points]
    pixels = figure.axes[0].transData.transform(places)
    return f"point {drawing.numbers(*(round(value) for x, y in pixels for value in (x, height - y)))}"


def _axis(axes: Axes, which: str, values: Sequence[float], most: int) -> None:
    low, high = min([*values, 0.0]), max([*values, 0.0])
    space = max((high - low) * 0.12, 0.01)
    low, high = low - space, high + space
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xlim if which == "x" else axes.set_ylim)(low, high)
    axis.set_major_locator(FixedLocator(figures.ratio_ticks(low, high, most)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: figures.ratio_name(value)))


def _ties(axes: Axes, points: Sequence[Point]) -> None:
    """A pale band between those that are tied in both."""
    by_name = {point.name: point for point in points}
    for point in points:
        for other in point.ties:
            if other > point.name:
                x = [point.time.estimate, by_name[other].time.estimate]
                y = [point.memory.estimate, by_name[other].memory.estimate]
                axes.plot(x, y, color=style.BAND, linewidth=9, solid_capstyle="round", zorder=1.2)


def _names(axes: Axes, pareto: Pareto, across: float, data: float) -> None:
    """On the right, in the order of memory, spread so that none covers another, each with a line to its
    point."""
    low, high = axes.get_ylim()
    left, right = axes.get_xlim()

    def pixel(point: Point) -> float:
        return float((point.memory.estimate - low) / (high - low) * data)

    ordered = sorted(pareto.points, key=lambda point: (point.memory.estimate, -point.time.estimate))
    heights: list[float] = []
    for point in ordered:
        heights.append(max(pixel(point), heights[-1] + NAME_PITCH if heights else NAME_PITCH / 2))
    room = data - NAME_PITCH / 2
    for index in range(len(heights) - 1, -1, -1):
        room = min(room, heights[index])
        heights[index] = room
        room -= NAME_PITCH
    names = shortened([point.name for point in ordered], NAME_LIMIT)
    for point, height, name in zip(ordered, heights, names):
        at = height / data
        x = (point.time.estimate - left) / (right - left)
        ends = [x + 6 / across, 1.03, 1 + 14 / across]
        axes.plot(
            ends,
            [pixel(point) / data, at, at],
            transform=axes.transAxes,
            color=style.MUTED,
            linewidth=0.6,
            clip_on=False,
            zorder=1.1,
        )
        axes.text(
            1 + 18 / across,
            at,
            name,
            transform=axes.transAxes,
            va="center",
            fontsize=style.SMALL + 0.5,
            color=style.INK if point.front else style.MUTED,
        )
