"""`faultline report --site`: a folder for any static host, with a page for each run, workload and allocator
whose links stay, and an Atom feed of runs and change points.

    index.html  feed.xml  style.css
    runs/DATE-DIGEST/index.html, summary.json    the report of a run, and what the other pages take from it
    workloads/NAME/index.html  allocators/NAME/index.html

Adding a run writes its folder and makes the other pages anew from the summaries of all, so that a run may be
added twice, and one is taken away by deleting its folder.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

from faultline_reports import fields, formatting, metrics, output
from faultline_reports.errors import Exit, UserError, visible
from faultline_reports.fields import Object
from faultline_reports.report import as_text, over_runs
from faultline_reports.report.analysis import Analysis
from faultline_reports.report.overview import HINTS, MARKS
from faultline_reports.statistics.verdict import Verdict

SCHEMA = "faultline-site/1"
CHANGES_SCHEMA = "faultline-changes/1"
MOST_ENTRIES = 100  # of the feed
NEVER = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Row:
    """What one run says of one allocator in one workload."""

    run: Mapping[str, Any]
    workload: str
    allocator: str
    cells: Sequence[str]  # one for each of HEADS
    link: str  # from the site's root

    @property
    def workload_link(self) -> str:
        return f"workloads/{slug(self.workload)}/index.html"

    @property
    def allocator_link(self) -> str:
        return f"allocators/{slug(self.allocator)}/index.html"


SHOWN = ("cpu_ns_per_operation", "peak_heap_bytes", "retained_heap_bytes")


def slug(name: str) -> str:
    """A folder's name that is the same for ever and for no other: what is plain of it, and a digest where
    that is not all."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:60]
    if plain == name and name:
        return plain
    return f"{plain or 'name'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def identity(analysis: Analysis) -> str:
    """Of a run: its day, and a digest of where, when and what it was."""
    document = analysis.document
    what = json.dumps([document.fingerprint, document.started, document.seed, list(document.command)])
    day = document.started[:10] if re.match(r"\d{4}-\d{2}-\d{2}", document.started) else "undated"
    return f"{day}-{hashlib.sha256(what.encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class Commit:
    """What was measured; "": not told."""

    revision: str = ""
    subject: str = ""


def add(
    folder: str, analysis: Analysis, page: str, changes: str | None, base: str, commit: Commit = Commit()
) -> list[str]:
    """Adds a run whose report is `page`; `changes`: what `faultline history detect --json` wrote; `base`: the
    site's address, for the feed. Returns the files that were written. Raises UserError."""
    run = identity(analysis)
    place = output.directory(os.path.join(folder, "runs", run))
    written = [_write(os.path.join(place, "index.html"), page)]
    summary = {
        **json.loads(as_text.as_json(analysis)),
        "schema": SCHEMA,
        "id": run,
        "started": analysis.document.started,
        "suite": analysis.document.suite,
        "revision": commit.revision,
        "subject": commit.subject,
        "anchors": dict(analysis.anchors),
        "allocators": [allocator.name for allocator in analysis.document.subjects()],
    }
    written.append(
        _write(os.path.join(place, "summary.json"), json.dumps(summary, ensure_ascii=False) + "\n")
    )
    return written + rebuild(folder, changes, base)


def rebuild(folder: str, changes: str | None, base: str) -> list[str]:
    """Every page but those of runs, from the runs that are there."""
    runs = _runs(folder)
    rows = [row for run in runs for row in _rows(run)]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("faultline_reports.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found = _changes(changes) if changes else []
    page = environment.get_template("site.html.j2")

    def made(place: str, title: str, **values: Any) -> str:
        root = "../" * place.count("/")
        given = {"runs": [], "rows": [], "by": "", "changes": [], "links": None, "picture": "", **values}
        text = page.render(title=title, root=root, heads=_heads(), **given)
        path = os.path.join(folder, place)
        output.directory(os.path.dirname(path))
        return _write(path, text)

    workloads = list(dict.fromkeys(row.workload for row in rows))
    allocators = list(dict.fromkeys(row.allocator for row in rows))
    links = {
        "workloads": [(name, f"workloads/{slug(name)}/index.html") for name in sorted(workloads)],
        "allocators": [(name, f"allocators/{slug(name)}/index.html") for name in sorted(allocators)],
    }
    written = [
        _write(os.path.join(folder, "style.css"), environment.loader.get_source(environment, "style.css")[0])
        if environment.loader
        else "",
        made("index.html", "Runs", runs=runs, changes=found, links=links),
    ]
    for kind, other in (("workload", "allocator"), ("allocator", "workload")):
        for name, link in links[f"{kind}s"]:
            of = [row for row in rows if getattr(row, kind) == name]
            told = [entry for entry in found if entry[kind] == name]
            picture = _picture(runs, of, told, other)
            title = f"{kind.capitalize()} {name}"
            written.append(made(link, title, rows=of, by=other, changes=told, picture=picture))
    feed = environment.get_template("feed.xml.j2").render(
        entries=_entries(runs, found), base=base, never=NEVER
    )
    written.append(_write(os.path.join(folder, "feed.xml"), feed))
    return written


def _write(path: str, text: str) -> str:
    output.write(path, text)
    return path


def _runs(folder: str) -> list[dict[str, Any]]:
    """The summaries, the newest run first."""
    place = os.path.join(folder, "runs")
    runs = []
    for name in sorted(os.listdir(place)) if os.path.isdir(place) else []:
        path = os.path.join(place, name, "summary.json")
        if os.path.exists(path):
            value = fields.parse(fields.read(path), path)
            if value.get("schema") != SCHEMA or value.get("id") != name:
                raise UserError(Exit.DATA, path, f"is no {SCHEMA} of {name}", "delete the run's folder")
            runs.append(value)
    return sorted(runs, key=lambda run: (str(run.get("started")), str(run["id"])), reverse=True)


def _heads() -> list[str]:
    return [metrics.by_key(key).short for key in SHOWN]


def _rows(run: Mapping[str, Any]) -> list[Row]:
    rows = []
    for workload, anchor in run["anchors"].items():
        for allocator in run["allocators"]:
            cells = [_cell(run, key, workload, allocator) for key in SHOWN]
            rows.append(Row(run, workload, allocator, cells, f"runs/{run['id']}/index.html#{anchor}"))
    return rows


def _cell(run: Mapping[str, Any], key: str, workload: str, allocator: str) -> str:
    if allocator == run["baseline"]:
        return "baseline"
    effect = run["metrics"].get(key, {}).get("workloads", {}).get(workload, {}).get(allocator)
    if effect is None:
        return "–"
    unit = metrics.by_key(key).unit
    low, high = effect["interval"]
    if effect["scale"] == "log_ratio":
        values = [formatting.change(math.exp(value)) for value in (effect["estimate"], low, high)]
    else:
        values = [formatting.signed(value, unit) for value in (effect["estimate"], low, high)]
    mark = MARKS.get(Verdict(effect["verdict"]), "?")
    if mark == MARKS[Verdict.INCONCLUSIVE]:
        mark = HINTS.get(effect["same_way"], mark)
    return f"{mark} {values[0]} ({formatting.spanned(values[1], values[2])})"


def _picture(
    runs: Sequence[Mapping[str, Any]], rows: Sequence[Row], changes: Sequence[Mapping[str, str]], by: str
) -> str:
    """CPU time over the runs that have the newest one's baseline, which alone can be compared; "" of a single
    one."""
    known = [run for run in reversed(runs) if run["baseline"] == runs[0]["baseline"]]
    places = {str(run["id"]): place for place, run in enumerate(known)}
    dates = [str(run["started"])[:10] for run in known]
    points: dict[str, list[over_runs.Point]] = {}
    for row in sorted(rows, key=lambda row: places.get(row.run["id"], -1)):
        effect = row.run["metrics"].get(SHOWN[0], {}).get("workloads", {}).get(row.workload, {})
        found = effect.get(row.allocator)
        if row.run["id"] in places and found and found["scale"] == "log_ratio":
            point = over_runs.Point(places[row.run["id"]], found["estimate"], *found["interval"])
            points.setdefault(getattr(row, by), []).append(point)
    if len(known) < 2 or not points:
        return ""
    began = {str(run["started"]): place for place, run in enumerate(known)}
    lines = [
        over_runs.Line(
            name,
            of,
            [
                began[entry["date"]]
                for entry in changes
                if entry[by] == name and entry["metric"] == SHOWN[0] and entry["date"] in began
            ],
        )
        for name, of in points.items()
    ]
    label = f"CPU time against {runs[0]['baseline']} in {len(known)} runs, by {by}"
    return over_runs.draw(lines[: over_runs.MOST_ROWS], dates, label)


def _changes(path: str) -> list[dict[str, str]]:
    """Change points as the pages and the feed tell them, the newest first."""
    root = Object(fields.parse(fields.read(path), path), "", path)
    if root.text("schema") != CHANGES_SCHEMA:
        what = f"is not {CHANGES_SCHEMA}"
        raise UserError(Exit.DATA, path, what, "write it with `faultline history detect --json`")
    changes = []
    for entry in root.children("changes"):
        size = entry.number("log_size") or 0.0
        workload, allocator = entry.text("workload"), entry.text("allocator")
        metric, run = entry.text("metric"), entry.text("run")
        try:
            title = metrics.by_key(metric).title
        except StopIteration:
            title = metric
        changed = formatting.change(math.exp(max(-50.0, min(50.0, size))))
        changes.append(
            {
                "date": entry.text("date"),
                "workload": workload,
                "allocator": allocator,
                "metric": metric,
                "title": f"{allocator}, {workload}: {title} {changed} ({entry.text('word')})",
                "revision": entry.text("revision")[:12],
                "link": f"workloads/{slug(workload)}/index.html",
                "id": hashlib.sha256(f"{run} {workload} {allocator} {metric}".encode()).hexdigest()[:24],
            }
        )
    return changes


def _entries(runs: Sequence[Mapping[str, Any]], changes: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    told = [
        {
            "id": f"urn:faultline:change:{entry['id']}",
            "title": entry["title"],
            "updated": _moment(entry["date"]),
            "link": entry["link"],
            "text": f"Change point{' at ' + entry['revision'] if entry['revision'] else ''}.",
        }
        for entry in changes
    ]
    told += [
        {
            "id": f"urn:faultline:run:{run['id']}",
            "title": visible(str(run["headline"])),
            "updated": _moment(str(run["started"])),
            "link": f"runs/{run['id']}/index.html",
            "text": " ".join(visible(str(remark)) for remark in run["remarks"]),
        }
        for run in runs
    ]
    return sorted(told, key=lambda entry: entry["updated"], reverse=True)[:MOST_ENTRIES]


def _moment(text: str) -> str:
    """RFC 3339, as a feed must have it."""
    return (
        text
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", text)
        else NEVER
    )
