"""The picture of shares.py: resident heap over time, a row for each allocator, as bands of its shares."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from faultline_reports.formatting import quantity, scale
from faultline_reports.report import figures, stacks, style
from faultline_reports.report.details import PHASE_NAMES
from faultline_reports.report.figures import Stroke
from faultline_reports.report.shares import KINDS, Course, Moment, peak

PITCH = 52.0
GAP = 4.0  # below the data of a row
COLORS = (style.KINDS[0], style.KINDS[1], style.KINDS[3], style.BAND)


def draw(courses: Sequence[Course], label: str, points: int) -> Markup:
    """All on one scale; at most about `points` moments of each. Where a moment cannot be divided there is the
    line of what is resident alone. Ticks are where phases begin, and the measured one has a line below it."""
    with matplotlib.rc_context(style.RC):
        below = 38 + stacks.KEY_PITCH * (len(KINDS) + 1)
        figure, axes = style.axes_of_rows(len(courses), PITCH, below=below)
        last = max([end for found in courses for _, _, end in found.phases] + [1.0])
        largest = max([moment.heap for found in courses for moment in found.moments] + [1.0])
        divisor, _ = scale(last, "ns")
        figures.zero_axis(axes, last, "ns")
        tops = [f"up to {quantity(peak(found).heap, 'bytes')}" for found in courses]
        figures.names(axes, [(found.name, top) for found, top in zip(courses, tops)], PITCH)
        height = PITCH - GAP - figures.DATA_TOP
        ticks: list[Stroke] = []
        measured: list[Stroke] = []
        rows: list[tuple[Sequence[Moment], float]] = []
        for index, found in enumerate(courses):
            bottom = (index + 1) * PITCH - GAP
            moments = _thinned(found.moments, points)
            rows.append((moments, bottom))
            ticks += [(begin, bottom - 5, begin, bottom + 3) for _, begin, _ in found.phases]
            measured += [
                (begin, bottom + 1.2, end, bottom + 1.2)
                for name, begin, end in found.phases
                if name == "measure"
            ]
        _bands(axes, rows, height / largest)
        figures.strokes(axes, measured, style.INK, 2.4)
        figures.strokes(axes, ticks, style.INK, 1)
        words = [*reversed(KINDS)]
        stacks.key(figure, [(what, color) for what, color in zip(words, reversed(COLORS))], 1)
        names = " · ".join(PHASE_NAMES.get(name, name) for name, _, _ in courses[0].phases)
        figure.text(
            14 / style.WIDTH,
            8 / (figure.get_figheight() * style.POINTS),
            f"ticks: {names}; thick: measured",
            va="center",
            color=style.MUTED,
            fontsize=style.SMALL,
        )
        return style.embedded(figure, label)


def _bands(axes: Axes, rows: Sequence[tuple[Sequence[Moment], float]], pitch: float) -> None:
    """`rows`: the moments of each, and where its ground is. From the bottom up as KINDS; each is drawn from
    its top to the ground and covered by those under it."""
    outlines: list[list[Path]] = [[] for _ in KINDS]
    for moments, ground in rows:
        for divided, group in itertools.groupby(moments, lambda moment: moment.parts is not None):
            run = list(group)
            times = [moment.at_ns for moment in run]
            if not divided:
                heights = [ground - moment.heap * pitch for moment in run]
                axes.plot(times, heights, color=style.MARK, linewidth=1.2, scalex=False, scaley=False)
                continue
            for kind, outline in enumerate(outlines):
                tops = [ground - sum(moment.parts[: kind + 1]) * pitch for moment in run if moment.parts]
                corners = [(times[0], ground), *zip(times, tops), (times[-1], ground), (times[0], ground)]
                outline.append(Path(corners, closed=True))
    for color, outline in reversed([*zip(COLORS, outlines)]):
        if outline:
            axes.add_patch(PathPatch(Path.make_compound_path(*outline), color=color, linewidth=0))


def _thinned(moments: Sequence[Moment], limit: int) -> list[Moment]:
    """At most about `limit`, those of each stretch's highest and lowest resident heap among them."""
    places, _ = figures.thinned(range(len(moments)), [moment.heap for moment in moments], limit)
    return [moments[int(place)] for place in places]
