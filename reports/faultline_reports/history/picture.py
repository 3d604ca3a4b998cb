"""A series as a picture: a line of blocks, a small chart for a terminal, an SVG file."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faultline_reports.history.model import Floats

BLOCKS = "▁▂▃▄▅▆▇█"
# The dots of a braille character, by row and column.
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


@dataclass(frozen=True)
class Picture:
    """Values over runs; `levels`: (first run, last run, value); `marks`: runs where a level begins."""

    title: str
    unit: str  # of the values, in words
    values: Floats
    dates: Sequence[str]  # of each run
    levels: Sequence[tuple[int, int, float]]
    marks: Sequence[tuple[int, str]]  # run, what is said of it


def line(values: Floats, width: int) -> str:
    """One character for each of `width` stretches of the values: their median between least and largest."""
    middles = _middles(values, width)
    low, high = float(middles.min()), float(middles.max())
    if high <= low:
        return BLOCKS[3] * len(middles)
    steps = np.minimum(((middles - low) / (high - low) * len(BLOCKS)).astype(int), len(BLOCKS) - 1)
    return "".join(BLOCKS[step] for step in steps)


def _middles(values: Floats, width: int) -> Floats:
    parts = np.array_split(values, min(width, len(values)))
    return np.array([np.median(part) for part in parts])


def chart(picture: Picture, width: int, height: int) -> list[str]:
    """Lines of a chart in braille dots, two by four in a character; under it a ^ for each mark."""
    labels = [_axis(value) for value in _bounds(picture.values)]
    margin = max(map(len, labels))
    columns = max(10, width - margin - 2)
    low, high = _bounds(picture.values)
    dots = np.zeros((height, columns), dtype=int)
    count = len(picture.values)
    for run, value in enumerate(picture.values):
        x = round(run / max(1, count - 1) * (2 * columns - 1))
        y = round((high - float(value)) / (high - low) * (4 * height - 1))
        dots[y // 4, x // 2] |= _DOTS[y % 4][x % 2]
    lines = []
    for row in range(height):
        label = labels[1] if row == 0 else labels[0] if row == height - 1 else ""
        lines.append(f"{label:>{margin}} ┤" + "".join(chr(0x2800 + int(cell)) for cell in dots[row]))
    under = [" "] * columns
    for run, _ in picture.marks:
        under[round(run / max(1, count - 1) * (2 * columns - 1)) // 2] = "^"
    lines.append(" " * (margin + 2) + "".join(under).rstrip())
    first, last = picture.dates[0], picture.dates[-1]
    lines.append(" " * (margin + 2) + first + last.rjust(max(len(last) + 1, columns - len(first))))
    return lines


def _bounds(values: Floats) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 1, high + 1)


def _axis(value: float) -> str:
    return f"{value:.4g}"


WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 320, 80, 20, 40, 40


def svg(picture: Picture) -> str:
    """A page of its own: points, levels, and a line with a tooltip for each mark."""
    low, high = _bounds(picture.values)
    count = max(1, len(picture.values) - 1)

    def x(run: float) -> float:
        return LEFT + run / count * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="sans-serif" font-size="12">',
        f"<title>{_escaped(picture.title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-size="14" fill="#222222">{_escaped(picture.title)}</text>',
        f'<text x="{WIDTH - RIGHT}" y="20" text-anchor="end" fill="#555555">{_escaped(picture.unit)}</text>',
    ]
    for value in _ticks(low, high):
        at = f"{y(value):.1f}"
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}" stroke="#dddddd"/>'
            f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end" fill="#555555">'
            f"{_axis(value)}</text>"
        )
    for run, words in picture.marks:
        parts.append(
            f'<line x1="{x(run - 0.5):.1f}" x2="{x(run - 0.5):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" '
            f'stroke="#c0392b" stroke-dasharray="4 3"><title>{_escaped(words)}</title></line>'
        )
    points = " ".join(f"M{x(run):.1f} {y(float(v)):.1f}h0" for run, v in enumerate(picture.values))
    parts.append(f'<path d="{points}" stroke="#4a7ebb" stroke-width="4" stroke-linecap="round" fill="none"/>')
    for first, last, value in picture.levels:
        parts.append(
            f'<line x1="{x(first):.1f}" x2="{x(last):.1f}" y1="{y(value):.1f}" y2="{y(value):.1f}" '
            'stroke="#222222" stroke-width="2"/>'
        )
    for run, anchor in ((0, "start"), (len(picture.dates) - 1, "end")):
        parts.append(
            f'<text x="{x(run):.1f}" y="{HEIGHT - 14}" text-anchor="{anchor}" fill="#555555">'
            f"{_escaped(picture.dates[run])}</text>"
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _ticks(low: float, high: float) -> list[float]:
    """Some four round values between both."""
    step = 10.0 ** math.floor(math.log10((high - low) / 2))
    step *= next((factor for factor in (1, 2, 5) if (high - low) / (step * factor) <= 5), 10)
    first = math.ceil(low / step - 1e-9)
    return [step * n for n in range(first, math.floor(high / step + 1e-9) + 1)]


def _escaped(text: str) -> str:
    return html.escape(text, quote=True)
