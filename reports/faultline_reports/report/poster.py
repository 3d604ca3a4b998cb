"""The summary as a picture for a README: the sentence, and time against memory."""

from __future__ import annotations

import io
import textwrap

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from faultline_reports.errors import Exit, UserError
from faultline_reports.report import pareto, sentence, style, tradeoff, trust
from faultline_reports.report.analysis import Analysis

# The light theme of templates/style.css.
COLOURS = {
    style.INK: "#1b1f24",
    style.MUTED: "#565e68",
    style.LINE: "#d9dde2",
    style.DOT: "#3b6ea5",
    style.BAND: "#bcd3ea",
    style.MARK: "#0b3d6e",
    style.PAGE: "#ffffff",
}
HEADLINE, REMARKS = 38, 54  # characters in a line
SCALE = 2.0  # pixels of the picture for one of the page's


def png(analysis: Analysis) -> bytes:
    """Raises UserError where there is nothing to draw."""
    front = pareto.of(analysis)
    if front is None:
        what = "has no two allocators whose time and memory can be compared"
        raise UserError(Exit.DATA, analysis.document.source, what, "run two or more allocators together")
    with matplotlib.rc_context(style.RC):
        figure = tradeoff.draw(front)
        # Strokes of no length, the page's points, are nothing to this renderer.
        for point in front.points:
            at = ([point.time.estimate], [point.memory.estimate])
            fill = style.MARK if point.front else style.PAGE
            figure.axes[0].plot(*at, "o", markersize=7, markeredgewidth=1.6, color=fill, mec=style.MARK)
        _beside(figure, analysis, front)
        _paint(figure)
        buffer = io.BytesIO()
        FigureCanvasAgg(figure).print_figure(
            buffer, format="png", dpi=style.POINTS * SCALE, facecolor="white", metadata={"Software": None}
        )
    return buffer.getvalue()


def _beside(figure: Figure, analysis: Analysis, front: pareto.Pareto) -> None:
    """Makes room on the left of the picture for the words."""
    answer = sentence.answer(analysis)
    head = textwrap.wrap(answer.headline, HEADLINE)
    scope = f"{front.scope()}, relative to {front.baseline}; down and left is better."
    remarks = [*answer.remarks, "", f"{trust.verdict(trust.badges(analysis)).text}.", scope]
    rest = [line for remark in remarks for line in textwrap.wrap(remark, REMARKS) or [""]]
    width, height = figure.get_size_inches() * style.POINTS
    wide, high = width + 400, max(height + 24, 40 + 21 * len(head) + 15 * len(rest))
    axes = figure.axes[0]
    box = axes.get_position()
    figure.set_size_inches(wide / style.POINTS, high / style.POINTS)
    left = 400 + box.x0 * width
    bottom = (high - height) / 2 + box.y0 * height
    axes.set_position((left / wide, bottom / high, box.width * width / wide, box.height * height / high))
    at = high - 24.0
    for line in head:
        figure.text(18 / wide, at / high, line, fontsize=15, fontweight="bold", va="top", color=style.INK)
        at -= 21
    at -= 8
    for line in rest:
        figure.text(18 / wide, at / high, line, fontsize=10.5, va="top", color=style.MUTED)
        at -= 15


def _paint(figure: Figure) -> None:
    """Tokens, which are CSS variables in the page, to colours."""
    for artist in figure.findobj():
        if isinstance(artist, Text):
            artist.set_color(COLOURS.get(to_hex(artist.get_color()), artist.get_color()))
        elif isinstance(artist, Line2D):
            fill, edge = to_hex(artist.get_color()), to_hex(artist.get_markeredgecolor())
            artist.set_color(COLOURS.get(fill, fill))
            artist.set_markeredgecolor(COLOURS.get(edge, edge))
        elif isinstance(artist, Patch):
            edge = to_hex(artist.get_edgecolor())
            if edge in COLOURS:
                artist.set_edgecolor(COLOURS[edge])
