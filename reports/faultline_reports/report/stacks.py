"""Stacked bars, a row for each allocator: where the time went, and faults by kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import matplotlib.lines
from markupsafe import Markup
from matplotlib.figure import Figure

from faultline_reports.formatting import quantity
from faultline_reports.report import figures, style
from faultline_reports.report.drawing import Drawing, Grid, numbers

PITCH = 36.0
KEY_PITCH = 16.0
SWATCH = 10.0


@dataclass(frozen=True)
class Stack:
    name: str
    parts: Sequence[tuple[str, float]]  # what, how much; in the same order in every row


def draw(rows: Sequence[Stack], unit: str, label: str) -> Markup:
    """With a key below: each kind by name in the order of the parts, and a gap between parts, so that colour
    is not needed to tell them apart."""
    kinds = list(dict.fromkeys(what for row in rows for what, value in row.parts if value > 0))
    with matplotlib.rc_context(style.RC):
        figure, axes = style.axes_of_rows(len(rows), PITCH, below=38 + KEY_PITCH * len(kinds))
        totals = [sum(value for _, value in row.parts) for row in rows]
        largest = max([*totals, 1.0])
        figures.zero_axis(axes, largest, unit)
        figures.names(axes, [(row.name, quantity(total, unit)) for row, total in zip(rows, totals)], PITCH)
        gap = largest * 1.2 / style.WIDTH
        bars: dict[str, list[figures.Stroke]] = {what: [] for what in kinds}
        for index, row in enumerate(rows):
            middle = index * PITCH + (figures.DATA_TOP + figures.DATA_BOTTOM) / 2
            at = 0.0
            for what, value in row.parts:
                if value <= 0:
                    continue
                end = max(at + value - gap, at + value * 0.4)
                bars[what].append((at, middle, end, middle))
                at += value
        for number, what in enumerate(kinds):
            figures.strokes(axes, bars[what], style.KINDS[number % len(style.KINDS)], 12)
        key(figure, [(what, style.KINDS[number % len(style.KINDS)]) for number, what in enumerate(kinds)])
        return style.embedded(figure, label)


def drawing(svg: Markup, table: Grid) -> Drawing:
    """`table`: a row for each row of the picture."""
    return Drawing(svg, table, "", f"bar {numbers(PITCH)}")


def key(figure: Figure, kinds: Sequence[tuple[str, str]], lines_below: int = 0) -> None:
    """Names with their colours at the bottom of a picture, above so many other lines."""
    height = figure.get_figheight() * style.POINTS
    for number, (what, color) in enumerate(kinds):
        y = (KEY_PITCH * (len(kinds) + lines_below - number) - 8) / height
        figure.text(
            (14 + SWATCH + 6) / style.WIDTH, y, what, va="center", color=style.MUTED, fontsize=style.SMALL
        )
        figure.add_artist(
            matplotlib.lines.Line2D(
                [14 / style.WIDTH, (14 + SWATCH) / style.WIDTH],
                [y, y],
                color=color,
                linewidth=9,
                solid_capstyle="butt",
            )
        )
