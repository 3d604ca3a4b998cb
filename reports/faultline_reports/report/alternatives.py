"""The tables of the first screen relative to every other baseline, small enough to stand in the page, for its
script to show."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

from faultline_reports.report import overview
from faultline_reports.report.analysis import Analysis, analyse
from faultline_reports.report.overview import Cell

MOST_CELLS = 20_000  # beyond it the page grows by more than a megabyte


def tables(analysis: Analysis) -> dict[str, Any] | None:
    """{"tables": [[baseline, [[metric, whether it has a mean]...]]...], "columns": [[value...], [detail...],
    [word...], [mark...], [css...], [remark...], [what it is sorted by...]]}. The columns are of all cells in
    the order of baselines, metrics, rows (the mean first) and allocators: likes beside each other compress
    best. None where there is one subject, or there would be too much of it."""
    document = analysis.document
    names = [allocator.name for allocator in document.subjects()]
    count = len(names) * (len(names) - 1) * len(document.workloads) * len(analysis.metrics)
    if len(names) < 2 or count > MOST_CELLS or not document.rounds:
        return None
    found: list[Any] = []
    cells: list[list[Any]] = []
    for name in names:
        if name == analysis.baseline:
            continue
        heats = overview.heats(analyse(document, name))
        found.append([name, [[heat.metric.key, heat.mean is not None] for heat in heats]])
        for heat in heats:
            rows = [*([heat.mean] if heat.mean is not None else []), *(row.cells for row in heat.rows)]
            cells += [_columns(cell) for row in rows for cell in row]
    return {"tables": found, "columns": list(zip(*cells))}


def _columns(cell: Cell) -> list[Any]:
    order = None if cell.order is None else float(f"{cell.order:.3g}")
    return [cell.value, cell.detail, cell.word, cell.mark, cell.css, cell.remark, order]


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
