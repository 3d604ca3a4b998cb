"""Pictures in few bytes and few elements, as a page of hundreds needs them: matplotlib's paths and texts, one
a line, as paths and texts that show the same to a fifth of a pixel."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

TOLERANCE = 2.0  # of a straight line through points left out, in tenths of a pixel

Tenths = tuple[int, int]


def _straightened(points: list[Tenths]) -> list[Tenths]:
    """Without the points that a straight line between others passes within TOLERANCE: Ramer 1972, Douglas and
    Peucker 1973."""
    kept = {0, len(points) - 1}
    open_parts = [(0, len(points) - 1)]
    while open_parts:
        first, last = open_parts.pop()
        (x0, y0), (x1, y1) = points[first], points[last]
        length = math.hypot(x1 - x0, y1 - y0)
        farthest, where = TOLERANCE, 0
        for at in range(first + 1, last):
            x, y = points[at]
            if length:
                # Of the segment, not the line: a point beyond its ends is as far as the end is.
                along = max(0.0, min(1.0, ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length**2))
                distance = math.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0))
            else:
                distance = math.hypot(x - x0, y - y0)
            if distance > farthest:
                farthest, where = distance, at
        if where:
            kept.add(where)
            open_parts += [(first, where), (where, last)]
    return [points[at] for at in sorted(kept)]


def path(words: Sequence[str]) -> str:
    """The data of a path, from its words as matplotlib writes them: to a tenth of a pixel, each point
    relative to the one before, lines to the side and down by one figure, points on a straight line left
    out. Less than a third of the size. A path with other than straight lines is left as it is."""
    if not set(words[0::1]) & {"M", "L"} or set(filter(str.isalpha, words)) - {"M", "L", "z"}:
        return " ".join(words)
    parts: list[tuple[list[Tenths], bool]] = []
    index = 0
    while index < len(words):
        if words[index] == "z":
            parts[-1] = (parts[-1][0], True)
            index += 1
            continue
        point = (round(float(words[index + 1]) * 10), round(float(words[index + 2]) * 10))
        if words[index] == "M":
            parts.append(([point], False))
        else:
            parts[-1][0].append(point)
        index += 3
    text, at = "", (0, 0)
    for points, closed in parts:
        begin = points[0]
        there, moved = f"M{_figures(begin)}", f"m{_figures((begin[0] - at[0], begin[1] - at[1]))}"
        if not text or begin != at:
            text += there if not text or len(there) <= len(moved) else moved
        text += _lines(_straightened(points))
        text += "z" if closed else ""
        at = begin if closed else points[-1]
    return text


def _lines(points: Sequence[Tenths]) -> str:
    """From the first, where the pen is, to the others."""
    text, at, last = "", points[0], ""
    for point in points[1:]:
        across, down = point[0] - at[0], point[1] - at[1]
        command = "l" if across and down else "v" if down else "h"
        written = _figures([across, down] if command == "l" else [down or across])
        if command != last:
            text += command
        elif not written.startswith("-"):
            text += " "
        text, at, last = text + written, point, command
    return text


def _figures(tenths: Sequence[int]) -> str:
    """Side by side, with a space where no sign parts them."""
    text = ""
    for one in tenths:
        written = f"{one / 10:.1f}".removesuffix(".0")
        if 0 < abs(one) < 10:
            written = written.replace("0.", ".", 1)
        text += (" " if text and not written.startswith("-") else "") + written
    return text


_STROKES = r'<path d="(?P<d>[^"]*)" (?P<style>style="fill:none[^"]*")/>'
_TEXT = r'<text (?P<style>style="[^"]*") (?P<rest>.*</text>)'


def merged(lines: Sequence[str]) -> str:
    """Strokes of one style that follow each other, or have nothing but text between them, as one path, and
    texts of one style in one group. A path's dashes begin anew with each of its parts."""
    parts: list[str] = []
    # Where the last path and the last texts are in `parts`, with their style, if more may join them.
    strokes: tuple[int, str] | None = None
    texts: tuple[int, str, list[str]] | None = None
    for line in lines:
        if text := re.fullmatch(_TEXT, line):
            if texts and texts[1] == text["style"]:
                texts[2].append(text["rest"])
                members = "".join(f"<text {rest}" for rest in texts[2])
                parts[texts[0]] = f'<g {text["style"]}>{members}</g>'
            else:
                texts = (len(parts), text["style"], [text["rest"]])
                parts.append(line)
            continue
        stroke = re.fullmatch(_STROKES, line)
        if stroke and strokes and strokes[1] == stroke["style"]:
            parts[strokes[0]] = parts[strokes[0]].replace('" style=', f'{stroke["d"]}" style=', 1)
            continue
        strokes, texts = (len(parts), stroke["style"]) if stroke else None, None
        parts.append(line)
    return "".join(parts)
