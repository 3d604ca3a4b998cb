"""A history as text: JSON lines that hold everything and can be read back, CSV for other programs.

`faultline-history/1`: a line for each run, {schema, digest, started_ns, revision, fingerprint, tool_version,
suite, rounds, points: [{workload, work, allocator, metric, reference, centre, low, high, median}]}. CSV has
the same with a line for each point.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from faultline_reports import fields
from faultline_reports.errors import Exit, UserError
from faultline_reports.fields import Object
from faultline_reports.history.model import Point, Record, Run, Series

SCHEMA = "faultline-history/1"
RUN_FIELDS = tuple(Run.__dataclass_fields__)
POINT_TEXTS = ("workload", "work", "allocator", "metric", "reference")
POINT_NUMBERS = ("centre", "low", "high", "median")
_REMEDY = "import what `faultline history export` wrote"


def json_lines(records: Iterable[Record]) -> Iterator[str]:
    for record in records:
        points = [{**_without_host(one), **vars(point)} for one, point in record.points.items()]
        value = {"schema": SCHEMA, **vars(record.run), "points": points}
        yield json.dumps(value, ensure_ascii=False) + "\n"


def csv_lines(records: Iterable[Record]) -> Iterator[str]:
    yield _csv_line([*RUN_FIELDS, *POINT_TEXTS, *POINT_NUMBERS])
    for record in records:
        run = [getattr(record.run, name) for name in RUN_FIELDS]
        for one, point in record.points.items():
            texts = [getattr(one, name) for name in POINT_TEXTS]
            yield _csv_line([*run, *texts, *(repr(getattr(point, name)) for name in POINT_NUMBERS)])


def _without_host(one: Series) -> dict[str, str]:
    return {name: getattr(one, name) for name in POINT_TEXTS}


def _csv_line(cells: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def read(path: str) -> Iterator[Record]:
    """The records of a file, JSON lines or CSV by what its first line is. Raises UserError with its line."""
    content = fields.read(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(Exit.DATA, f"{path}:byte {error.start}", "is not UTF-8", _REMEDY) from None
    if not text.strip():
        raise UserError(Exit.DATA, path, "is empty", _REMEDY)
    return _from_json(text, path) if text.lstrip().startswith("{") else _from_csv(text, path)


def _from_json(text: str, path: str) -> Iterator[Record]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        root = Object(fields.parse(line.encode(), f"{path}:{number}"), "", f"{path}:{number}")
        if root.text("schema") != SCHEMA:
            root.fail("schema", f"is not {SCHEMA}")
        run = _run(root)
        yield Record(run, dict(_point(entry, run) for entry in root.children("points")))


def _from_csv(text: str, path: str) -> Iterator[Record]:
    """Lines of one run stand together, as they were written."""
    rows = csv.DictReader(io.StringIO(text))
    wanted = [*RUN_FIELDS, *POINT_TEXTS, *POINT_NUMBERS]
    missing = [name for name in wanted if name not in (rows.fieldnames or ())]
    if missing:
        raise UserError(Exit.DATA, f"{path}:1", f"lacks the columns {', '.join(missing)}", _REMEDY)
    current: Run | None = None
    points: dict[Series, Point] = {}
    try:
        for row in rows:
            place = Object(_numbers(row), "", f"{path}:{rows.line_num}")
            run = _run(place)
            if run != current:
                if current is not None:
                    yield Record(current, points)
                current, points = run, {}
            one, point = _point(place, run)
            points[one] = point
    except csv.Error as error:
        raise UserError(Exit.DATA, f"{path}:{rows.line_num}", f"is not CSV: {error}", _REMEDY) from None
    if current is not None:
        yield Record(current, points)


def _numbers(row: Mapping[str, Any]) -> dict[str, Any]:
    """Cells as JSON would have them: numbers where they are, else the text, for the reader to refuse."""
    values: dict[str, Any] = dict(row)
    for name in ("started_ns", "rounds", *POINT_NUMBERS):
        with_number = re.fullmatch(r"-?[0-9]+(?:(\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?)", row[name] or "")
        if with_number:
            values[name] = float(row[name]) if not row[name].lstrip("-").isdigit() else int(row[name])
    return values


def _run(root: Object) -> Run:
    for name in ("digest", "fingerprint"):
        if not re.fullmatch(r"[0-9a-f]{8,128}", root.name(name)):
            root.fail(name, "is not a digest")
    started, rounds = root.exact("started_ns"), root.whole("rounds")
    return Run(
        root.text("digest"),
        started,
        root.text("revision"),
        root.text("fingerprint"),
        root.text("tool_version"),
        root.text("suite"),
        rounds or 0,
    )


def _point(entry: Object, run: Run) -> tuple[Series, Point]:
    workload, work, allocator, metric = map(entry.name, ("workload", "work", "allocator", "metric"))
    numbers = []
    for name in POINT_NUMBERS:
        value = entry.number(name)
        if value is None:
            entry.fail(name, "is missing")
        numbers.append(value)
    one = Series(run.fingerprint, workload, work, allocator, metric, entry.text("reference"))
    return one, Point(*numbers)
