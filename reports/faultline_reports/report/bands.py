"""The picture of shares.py: resident heap over time, a row for each allocator, as bands of its shares."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from faultline_reports.formatting import quantity, scale
from faultline_reports.report import drawing, figures, stacks, style
from faultline_reports.report.details import PHASE_NAMES
from faultline_reports.report.drawing import Drawing, Grid
from faultline_reports.report.figures import Stroke
from faultline_reports.report.shares import KINDS, Course, Moment, peak

PITCH = 52.0
GAP = 4.0  # below the data of a row
COLORS = (style.KINDS[0], style.KINDS[1], style.KINDS[3], style.BAND)


def draw(courses: Sequence[Course], label: str, points: int) -> Drawing:
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
        parts = min(points // 2, max(len(found.moments) for found in courses))
        for index, found in enumerate(courses):
            bottom = (index + 1) * PITCH - GAP
            moments = [moment for moment in _highest(found.moments, parts) if moment is not None]
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
        table, name = _table(courses, largest, parts)
        spots = figures.parts_of_time(courses, last, PITCH)
        return Drawing(style.embedded(figure, label), table, name, spots)


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


def _heap(moment: Moment) -> float:
    return moment.heap


def _highest(moments: Sequence[Moment], parts: int) -> list[Moment | None]:
    """The first, of each stretch the one when most was resident, and the last: what is left at the end.
    None for a stretch without."""
    ends = figures.stretches([moment.heap for moment in moments], parts)
    highest = [max((moments[at] for at in part), key=_heap) if part else None for part in ends]
    known = [moment for moment in highest if moment is not None]
    first = moments[0] if moments[0] is not known[0] else None
    return [first, *highest, moments[-1] if moments[-1] is not known[-1] else None]


def _table(courses: Sequence[Course], largest: float, parts: int) -> tuple[Grid, str]:
    text, _, name = drawing.amounts([0.0, largest], "bytes", steps=drawing.FEW_STEPS)

    def cell(moment: Moment | None) -> str:
        if moment is None:
            return ""
        return "/".join(map(text, moment.parts)) if moment.parts else f"{text(moment.heap)} in all"

    columns = [[cell(moment) for moment in _highest(found.moments, parts)] for found in courses]
    places = ["begin", *(figures.percent_of_time(part + 1, parts) for part in range(parts)), "end"]
    told = [[place, *cells] for place, *cells in zip(places, *columns) if any(cells)]
    heads = [f"{found.name}, {quantity(found.at_ns[-1], 'ns')}" for found in courses]
    return Grid(["of its time", *heads], told), f"{name}: {' / '.join(KINDS)}"
