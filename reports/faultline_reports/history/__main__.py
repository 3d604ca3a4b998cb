"""`faultline history`: the nightly record."""

from __future__ import annotations

import argparse
import fnmatch
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence

import numpy as np

from faultline_reports import command, formatting, metrics, output, shards
from faultline_reports.ab.table import aligned, print_json
from faultline_reports.errors import Exit, UserError, visible
from faultline_reports.history import detect, exchange, picture, points, store, words
from faultline_reports.history.model import Run, Series, Table

EXAMPLE = """examples:
  faultline history add nightly.json --revision HEAD
  faultline history detect
  faultline history show larson2/slabuddy/cpu --svg larson2.svg
  faultline history bisect --good v1.0 --bad main --build 'make -j2' --library build/libmine.so larson2

exit status: 0; 1 where detect was told --fail-on-change and found one; 64 and more: what could not be used"""

LISTED = 40
SPARK = 40
CHART_ROWS = 10
Wanted = Callable[[Series], bool]


def parser() -> command.Parser:
    result = command.Parser(
        prog="faultline history",
        description="Keeps what nightly runs measured, shows it, and finds where it changed.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = result.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def make(name: str, run: Callable[[argparse.Namespace], int], words: str, example: str) -> command.Parser:
        sub: command.Parser = commands.add_parser(
            name,
            help=words,
            description=words[0].upper() + words[1:] + ".",
            epilog=f"example:\n  faultline history {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(run=run)
        sub.add_argument(
            "--db",
            metavar="FILE|URL",
            default=None,
            help="the history: a file (SQLite) or postgresql://USER@HOST/DATABASE "
            f"(default: $FAULTLINE_HISTORY, else {store.default_place()})",
        )
        return sub

    sub = make("add", _add, "adds runs; one that is there already is left as it is",
               "add nightly.json --revision HEAD")  # fmt: skip
    sub.add_argument("results", metavar="RESULTS.json", nargs="+", help="documents of `faultline run`")
    sub.add_argument("--revision", metavar="REV", default="", help="the commit that was measured: a hash, or "
                     "what git here makes one of, as HEAD")  # fmt: skip
    sub.add_argument("--reference", metavar="NAME", help="the allocator that times are kept relative to "
                     f"(default: {points.DEFAULT_REFERENCE})")  # fmt: skip
    sub.add_argument("--json", action="store_true", help="print JSON")

    sub = make("show", _show, "lists series, or shows the one that a pattern names",
               "show larson2/slabuddy/cpu_ns_per_operation --svg larson2.svg")  # fmt: skip
    _takes_patterns(sub)
    sub.add_argument("--svg", metavar="FILE", help="write the one series as a picture")
    sub.add_argument("--last", metavar="N", type=command.whole(2, 10**7), help="of the newest N runs alone")
    sub.add_argument("--all", action="store_true", help=f"list more than {LISTED} series")
    sub.add_argument("--json", action="store_true", help="print JSON")

    sub = make("runs", _runs, "lists runs: date, revision, host, suite", "runs --last 7")
    sub.add_argument("--last", metavar="N", type=command.whole(1, 10**7), help="the newest N alone")
    sub.add_argument("--json", action="store_true", help="print JSON")

    sub = make("detect", _detect, "finds change points: date, revision, size, interval", "detect --json")
    _takes_patterns(sub)
    sub.add_argument("--last", metavar="N", type=command.whole(2, 10**7), help="in the newest N runs alone")
    sub.add_argument("--fail-on-change", metavar="RUNS", type=command.whole(1, 10**7),
                     help="exit 1 for a change to worse with at most so many runs since")  # fmt: skip
    sub.add_argument("--json", action="store_true", help="print JSON")

    sub = make("prune", _prune, "takes old runs away", "prune --keep 1000 --dry-run")
    sub.add_argument("--keep", metavar="N", type=command.whole(1, 10**9), help="keep the newest N runs")
    sub.add_argument("--before", metavar="DATE", type=_date, help="take those before this day: 2026-01-31")
    sub.add_argument("--dry-run", action="store_true", help="only say what would go")

    sub = make("export", _export, "writes all of it as JSON lines or CSV", "export -o history.jsonl")
    sub.add_argument("-o", "--output", metavar="FILE", help="default: standard output")
    sub.add_argument("--format", choices=("jsonl", "csv"), help="default: by the file's name, else jsonl")

    sub = make("import", _import, "adds what `export` wrote, all of it or nothing", "import history.jsonl")
    sub.add_argument("files", metavar="FILE", nargs="+")
    # It has many options of its own: run() hands it on.
    commands.add_parser("bisect", help="finds the commit from which on it is worse, by gates", add_help=False)
    return result


def _takes_patterns(sub: command.Parser) -> None:
    sub.add_argument("patterns", metavar="PATTERN", nargs="*",
                     help="series by WORKLOAD/ALLOCATOR/METRIC: a part of it, or with * and ?")  # fmt: skip


def _date(text: str) -> int:
    import datetime

    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-01-31") from None
    midnight = datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.timezone.utc)
    return int(midnight.timestamp()) * 1_000_000_000


def _place(options: argparse.Namespace) -> str:
    return options.db or store.default_place()


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


def _add(options: argparse.Namespace) -> int:
    revision = _revision(options.revision)
    kept = []
    for path in options.results:
        raw, loaded = shards.load(path)
        kept.append((path, points.record(raw, loaded, revision, options.reference)))
    shown = []
    with store.opened(_place(options), create=True) as history:
        for path, one in kept:
            new = history.add([one.record]) == 1
            shown.append({"document": path, "run": one.record.run.digest, "new": new,
                          "points": len(one.record.points), "notes": list(one.notes)})  # fmt: skip
            if not options.json:
                figures = formatting.count(len(one.record.points), "figure")
                print(f"{path}: {figures} added" if new else f"{path}: was there already")
                for note in one.notes:
                    print(f"{path}: {note}")
    if options.json:
        print_json({"history": history.where, "added": shown})
    return 0


def _revision(text: str) -> str:
    """What git here makes of `text`; a hash that git does not know here is taken as it is."""
    if not text:
        return ""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{text}^{{commit}}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return done.stdout.strip().splitlines()[-1]
    except FileNotFoundError:
        pass
    if re.fullmatch(r"[0-9a-f]{7,64}", text):
        return text
    raise UserError(Exit.USAGE, "--revision", f"{visible(text)} is no commit here", "give its full hash")


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


def run(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["bisect"]:
        from faultline_reports.history import bisect

        return bisect.run(arguments[1:])
    options = parser().parse_args(arguments)
    status: int = options.run(options)
    return status


def main() -> int:
    return command.main("faultline history", run, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
