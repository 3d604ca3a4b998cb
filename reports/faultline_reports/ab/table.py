"""What an A/B shows: a live table of CPU times while it runs, and in the end every row worth reading."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Sequence
from typing import Any, TextIO

from faultline_reports import comparison, formatting
from faultline_reports.ab.precision import DECIDING, widest
from faultline_reports.comparison import Row
from faultline_reports.runner import budget
from faultline_reports.statistics.verdict import Verdict


def verdict(row: Row) -> str:
    return "not measured" if row.effect is None else row.metric.word(row.effect.verdict)


def detectable_words(row: Row, detectable: float | None) -> str:
    if row.effect is None or detectable is None:
        return "-"
    return formatting.effect_value(detectable, row.effect.scale, row.metric.unit).lstrip("+")


def _cells(row: Row) -> list[str]:
    """Base, candidate, difference, interval, rounds."""
    medians = [
        formatting.quantity(value, row.metric.unit) if value is not None else "-"
        for value in (row.base, row.candidate)
    ]
    if row.effect is None:
        return [*medians, "-", "-", "0"]
    change = formatting.effect_value(row.effect.shown.estimate, row.effect.scale, row.metric.unit)
    star = "" if row.effect.shown.reached else " *"
    shown = formatting.effect_range(row.effect, row.metric.unit) + star if row.effect.samples > 1 else "-"
    return [*medians, change, shown, str(row.effect.samples)]


def aligned(table: Sequence[Sequence[str]], left: Sequence[int]) -> list[str]:
    """Lines of columns; those numbered in `left` are set flush left, the others right."""
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    lines = []
    for line in table:
        cells = [
            text.ljust(width) if column in left else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def final(
    rows: Sequence[Row], names: tuple[str, str], detectable: Sequence[float | None], everything: bool
) -> list[str]:
    """The rows of CPU time and those with a difference, or all of them; then how many others there are."""
    shown = [
        (row, seen)
        for row, seen in zip(rows, detectable)
        if everything
        or row.metric.key == DECIDING
        or (row.effect is not None and row.effect.verdict in (Verdict.HIGHER, Verdict.LOWER))
    ]
    table = [
        ["workload", "metric", *names, "difference", "95 % interval", "n", "could see", "verdict"]
    ]  # fmt: skip
    last = ""
    for row, seen in shown:
        label = row.workload if row.workload != last else ""
        last = row.workload
        table.append([label, row.metric.short, *_cells(row), detectable_words(row, seen), verdict(row)])
    lines = aligned(table, left=(0, 1, 8))
    hidden = len(rows) - len(shown)
    if hidden:
        words = [verdict(row) for row in rows if all(row is not other for other, _ in shown)]
        kinds = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
        lines += ["", f"{formatting.count(hidden, 'further row')}: {kinds} (--all shows them)"]
    return lines


def json_row(row: Row, detectable: float | None) -> dict[str, Any]:
    value = comparison.json_row(row, verdict(row), row.missing)
    return {**value, "detectable": detectable} if row.effect else value


def print_json(value: dict[str, Any] | list[dict[str, Any]]) -> None:
    print(json.dumps(value, indent=1, ensure_ascii=False))


class Live:
    """The state of an A/B while it runs: redrawn in place on a terminal, a line for each look elsewhere."""

    def __init__(self, stream: TextIO, quiet: bool) -> None:
        self._stream = stream
        self._quiet = quiet
        self._terminal = stream.isatty()
        self._drawn = 0

    def line(self, text: str) -> None:
        if not self._quiet:
            self.clear()
            print(text, file=self._stream, flush=True)

    def show(self, rows: Sequence[Row], rounds: int, most: int, seconds_left: float) -> None:
        if self._quiet:
            return
        width = widest(rows)
        precision = (
            "" if width is None or math.isinf(width) else f", ±{formatting.change(math.exp(width))[1:]}"
        )
        left = "" if math.isinf(seconds_left) else f", at most {budget.words(seconds_left)} left"
        state = f"{rounds} of at most {formatting.count(most, 'round')}{precision}{left}"
        if not self._terminal:
            self.line(state)
            return
        self.clear()
        lines = [*self._table(rows), state]
        self._stream.write("\n".join(lines) + "\n")
        self._stream.flush()
        self._drawn = len(lines)

    def clear(self) -> None:
        if self._drawn:
            self._stream.write(f"\x1b[{self._drawn}A\x1b[J")
            self._drawn = 0

    @staticmethod
    def _table(rows: Sequence[Row]) -> list[str]:
        size: os.terminal_size = shutil.get_terminal_size((80, 24))
        times = [row for row in rows if row.metric.key == DECIDING]
        room = max(1, size.lines - 4)
        table = [["workload", "CPU time", "95 % interval", "verdict"]]
        for row in times[:room]:
            _, _, change, shown, _ = _cells(row)
            table.append([row.workload, change, shown, verdict(row)])
        lines = [line[: size.columns - 1] for line in aligned(table, left=(0, 3))]
        if len(times) > room:
            lines.append(f"and {formatting.count(len(times) - room, 'workload')} more")
        return lines
