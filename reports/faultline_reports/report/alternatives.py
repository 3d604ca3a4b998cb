"""The tables of the first screen relative to every other baseline, small enough to stand in the page, for its
script to show."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from typing import Any

from faultline_reports.report import overview
from faultline_reports.report.analysis import Analysis, analyse
from faultline_reports.report.overview import Cell

MOST_CELLS = 20_000  # beyond it the page grows by more than a megabyte


def tables(analysis: Analysis) -> dict[str, Any] | None:
    """{"words": [text...], "tables": {baseline: {metric: {"mean": row or null, "rows": [row...]}}}}; a row is
    a list of cells, a cell [value, detail, word, mark, css, note] as places in `words`, and what it is
    sorted by. None where there is one subject, or there would be too much of it."""
    document = analysis.document
    names = [allocator.name for allocator in document.subjects()]
    count = len(names) * (len(names) - 1) * len(document.workloads) * len(analysis.metrics)
    if len(names) < 2 or count > MOST_CELLS or not document.rounds:
        return None
    words: dict[str, int] = {}

    def place(text: str) -> int:
        return words.setdefault(text, len(words))

    def row(cells: Sequence[Cell]) -> list[list[Any]]:
        return [
            [
                *map(place, (cell.value, cell.detail, cell.word, cell.mark, cell.css, cell.note)),
                None if cell.order is None else float(f"{cell.order:.4g}"),
            ]
            for cell in cells
        ]

    found = {}
    for name in names:
        if name == analysis.baseline:
            continue
        heats = overview.heats(analyse(document, name))
        found[name] = {
            heat.metric.key: {
                "mean": row(heat.mean) if heat.mean else None,
                "rows": [row(entry.cells) for entry in heat.rows],
            }
            for heat in heats
        }
    return {"words": list(words), "tables": found}


def packed(value: object) -> str:
    """JSON, compressed, in letters: a quarter of its size. The same bytes every time."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def script_json(value: object) -> str:
    """JSON that cannot end the element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
