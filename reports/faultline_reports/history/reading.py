"""`faultline history`: what reads a history, and what takes from it or joins it with another."""

from __future__ import annotations

import argparse
import fnmatch
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from faultline_reports import formatting, metrics, output
from faultline_reports.ab.table import aligned, print_json
from faultline_reports.errors import Exit, UserError
from faultline_reports.history import detect, exchange, picture, store, words
from faultline_reports.history.model import Run, Series, Table
from faultline_reports.history.writing import default_place

LISTED = 40  # series, without --all
SPARK = 40
CHART_ROWS = 10
Wanted = Callable[[Series], bool]


def _place(options: argparse.Namespace) -> str:
    return options.db or default_place()


def _wanted(patterns: Sequence[str]) -> Wanted:
    def matches(one: Series) -> bool:
        return not patterns or any(
            pattern in one.label or fnmatch.fnmatchcase(one.label, pattern) for pattern in patterns
        )

    return matches


def _table(options: argparse.Namespace) -> Table:
    """What the patterns name, of the newest runs where so many were asked for. Raises UserError where it is
    nothing."""
    with store.opened(_place(options)) as history:
        table = history.table(_wanted(options.patterns))
        where = history.where
    if not table.series or not table.runs:
        what = "holds no such series" if options.patterns else "holds no runs"
        raise UserError(Exit.DATA, where, what, "see `faultline history show`")
    if options.last and options.last < len(table.runs):
        table = Table(table.runs[-options.last :], table.series, table.centres[-options.last :])
    return table


def _show(options: argparse.Namespace) -> int:
    table = _table(options)
    exact = [n for n, one in enumerate(table.series) if one.label in options.patterns]
    chosen = exact if len(exact) == 1 else range(len(table.series))
    if len(chosen) == 1:
        return _show_one(options, table, chosen[0])
    if options.svg:
        what = f"{formatting.count(len(table.series), 'series', 'series')} are named"
        raise UserError(Exit.USAGE, "--svg", what, "name one as `faultline history show` lists it")
    if options.json:
        counts = [int(np.count_nonzero(~np.isnan(column))) for column in table.centres.T]
        listed = [dict(words.series_json(one), runs=count) for one, count in zip(table.series, counts)]
        print_json({"runs": len(table.runs), "series": listed})
        return 0
    several = words.hosts(table.series) > 1
    rows = [["series", *(["host"] if several else []), "runs", "newest", f"last {SPARK}"]]
    shown = len(table.series) if options.all else LISTED
    for one, column in list(zip(table.series, table.centres.T))[:shown]:
        values = column[~np.isnan(column)]
        host = [one.fingerprint[:8]] if several else []
        spark = picture.line(values[-SPARK:], SPARK)
        rows.append([one.label, *host, str(len(values)), words.value(one, float(values[-1])), spark])
    first, last = table.runs[0], table.runs[-1]
    print(f"{formatting.count(len(table.runs), 'run')}, {words.day(first)} to {words.day(last)}\n")
    print("\n".join(aligned(rows, left=(0, len(rows[0]) - 1))))
    if shown < len(table.series):
        print(f"\n{formatting.count(len(table.series) - shown, 'series', 'series')} more (--all shows them)")
    return 0


def _show_one(options: argparse.Namespace, table: Table, number: int) -> int:
    one = table.series[number]
    there = ~np.isnan(table.centres[:, number])
    runs = [run for run, has in zip(table.runs, there) if has]
    alone = Table(runs, [one], table.centres[there][:, [number]])
    found = detect.detect(alone)
    if options.json:
        with store.opened(_place(options)) as history:
            details = history.details(one)
        values = [{"date": words.moment(run), "revision": run.revision, "run": run.digest,
                   **vars(details[run.digest])} for run in runs]  # fmt: skip
        print_json({**words.series_json(one), "points": values, **_changes_json(found)})
        return 0
    shown = _picture(one, alone, found)
    if options.svg:
        output.write(options.svg, picture.svg(shown))
    size = shutil.get_terminal_size((100, 24))
    print(f"{one.label} ({shown.unit}), {formatting.count(len(runs), 'run')}; newest: "
          f"{words.value(one, float(alone.centres[-1, 0]))}\n")  # fmt: skip
    print("\n".join(picture.chart(shown, min(size.columns, 110), CHART_ROWS)))
    print("\n" + "\n".join(words.detected(found)))
    if options.svg:
        print(f"picture: {options.svg}")
    return 0


def _runs(options: argparse.Namespace) -> int:
    with store.opened(_place(options)) as history:
        runs = history.runs()
    runs = runs[-options.last :] if options.last else runs
    if options.json:
        print_json({"runs": [{**vars(run), "date": words.moment(run)} for run in runs]})
        return 0
    rows = [["date", "revision", "host", "suite", "rounds"]]
    rows += [
        [words.moment(run), words.revision(run), run.fingerprint[:8], run.suite or "-", str(run.rounds)]
        for run in runs
    ]
    print("\n".join(aligned(rows, left=(0, 1, 2, 3))))
    return 0


def _changes_json(found: detect.Detected) -> dict[str, object]:
    whole = words.detected_json(found)
    return {"changes": whole["changes"], "suspects": whole["suspects"]}


def _picture(one: Series, alone: Table, found: detect.Detected) -> picture.Picture:
    values = np.exp(alone.centres[:, 0])
    metric = metrics.by_key(one.metric)
    unit = f"times {one.reference.partition('@')[0]}" if one.reference else metric.unit or "count"
    places = sorted(entry.runs_before for entry in found.changes)
    edges = [0, *places, len(values)]
    levels = [(a, b - 1, float(np.median(values[a:b]))) for a, b in zip(edges, edges[1:])]
    marks = [
        (entry.runs_before, f"{words.day(entry.run)} {words.revision(entry.run)}: "
         f"{words.change(entry.change.size.estimate)}")
        for entry in found.changes
    ]  # fmt: skip
    return picture.Picture(one.label, unit, values, [words.day(run) for run in alone.runs], levels, marks)


def _detect(options: argparse.Namespace) -> int:
    found = detect.detect(_table(options))
    if options.json:
        print_json(words.detected_json(found))
    else:
        print("\n".join(words.detected(found)))
    if options.fail_on_change is None:
        return 0
    worse = [
        c for c in found.changes if c.change.size.estimate > 0 and c.runs_after <= options.fail_on_change
    ]
    return 1 if worse else 0


def _prune(options: argparse.Namespace) -> int:
    if options.keep is None and options.before is None:
        raise UserError(Exit.USAGE, "", "nothing says what to take away", "give --keep N or --before DATE")

    def unwanted(runs: Sequence[Run]) -> Sequence[Run]:
        old = runs[: -options.keep] if options.keep is not None else runs
        return [run for run in old if options.before is None or run.started_ns < options.before]

    with store.opened(_place(options)) as history:
        gone = history.prune(unwanted, really=not options.dry_run)
    would = "would be taken away" if options.dry_run else "taken away"
    print(f"{formatting.count(len(gone), 'run')} {would}")
    return 0


def _export(options: argparse.Namespace) -> int:
    named = os.path.splitext(options.output or "")[1].lstrip(".")
    write = exchange.csv_lines if (options.format or named) == "csv" else exchange.json_lines
    with store.opened(_place(options)) as history:
        if options.output is None:
            for line in write(history.records()):
                sys.stdout.write(line)
        else:
            output.write(options.output, "".join(write(history.records())))
    return 0


def _import(options: argparse.Namespace) -> int:
    records = [record for path in options.files for record in exchange.read(path)]
    with store.opened(_place(options), create=True) as history:
        added = history.add_together(records)
    known = len(records) - added
    print(f"{formatting.count(added, 'run')} added" + (f", {known} there already" if known else ""))
    return 0


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "show": _show,
    "runs": _runs,
    "detect": _detect,
    "prune": _prune,
    "export": _export,
    "import": _import,
}
