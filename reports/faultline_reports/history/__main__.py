"""`faultline history`: the nightly record."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from faultline_reports import command
from faultline_reports.history import adding, points
from faultline_reports.history.writing import default_place

EXAMPLE = """examples:
  faultline history add nightly.json --revision HEAD
  faultline history detect
  faultline history show larson2/slabuddy/cpu --svg larson2.svg
  faultline history bisect --good v1.0 --bad main --build 'make -j2' --library build/libmine.so larson2

exit status: 0; 1 where detect was told --fail-on-change and found one; 64 and more: what could not be used"""


def parser() -> command.Parser:
    result = command.Parser(
        prog="faultline history",
        description="Keeps what nightly runs measured, shows it, and finds where it changed.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = result.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def make(name: str, words: str, example: str) -> command.Parser:
        sub: command.Parser = commands.add_parser(
            name,
            help=words,
            description=words[0].upper() + words[1:] + ".",
            epilog=f"example:\n  faultline history {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.add_argument(
            "--db",
            metavar="FILE|URL",
            default=None,
            help="the history: a file (SQLite) or postgresql://USER@HOST/DATABASE "
            f"(default: $FAULTLINE_HISTORY, else {default_place()})",
        )
        return sub

    sub = make("add", "adds runs; one that is there already is left as it is",
               "add nightly.json --revision HEAD")  # fmt: skip
    sub.add_argument("results", metavar="RESULTS.json", nargs="+", help="documents of `faultline run`")
    sub.add_argument("--revision", metavar="REV", default="", help="the commit that was measured: a hash, or "
                     "what git here makes one of, as HEAD")  # fmt: skip
    sub.add_argument("--reference", metavar="NAME", help="the allocator that times are kept relative to "
                     f"(default: {points.DEFAULT_REFERENCE})")  # fmt: skip
    sub.add_argument("--json", action="store_true", help="print JSON")

    sub = make("show", "lists series, or shows the one that a pattern names",
               "show larson2/slabuddy/cpu_ns_per_operation --svg larson2.svg")  # fmt: skip
    _takes_patterns(sub)
    sub.add_argument("--svg", metavar="FILE", help="write the one series as a picture")
    sub.add_argument("--last", metavar="N", type=command.whole(2, 10**7), help="of the newest N runs alone")
    sub.add_argument("--all", action="store_true", help="list every series")
    sub.add_argument("--json", action="store_true", help="print JSON")

    sub = make("runs", "lists runs: date, revision, host, suite", "runs --last 7")
    sub.add_argument("--last", metavar="N", type=command.whole(1, 10**7), help="the newest N alone")
    sub.add_argument("--json", action="store_true", help="print JSON")

    sub = make("detect", "finds change points: date, revision, size, interval", "detect --json")
    _takes_patterns(sub)
    sub.add_argument("--last", metavar="N", type=command.whole(2, 10**7), help="in the newest N runs alone")
    sub.add_argument("--fail-on-change", metavar="RUNS", type=command.whole(1, 10**7),
                     help="exit 1 for a change to worse with at most so many runs since")  # fmt: skip
    sub.add_argument("--json", action="store_true", help="print JSON")

    sub = make("prune", "takes old runs away", "prune --keep 1000 --dry-run")
    sub.add_argument("--keep", metavar="N", type=command.whole(1, 10**9), help="keep the newest N runs")
    sub.add_argument("--before", metavar="DATE", type=_date, help="take those before this day: 2026-01-31")
    sub.add_argument("--dry-run", action="store_true", help="only say what would go")

    sub = make("export", "writes all of it as JSON lines or CSV", "export -o history.jsonl")
    sub.add_argument("-o", "--output", metavar="FILE", help="default: standard output")
    sub.add_argument("--format", choices=("jsonl", "csv"), help="default: by the file's name, else jsonl")

    sub = make("import", "adds what `export` wrote, all of it or nothing", "import history.jsonl")
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


def run(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["bisect"]:
        from faultline_reports.history import bisect

        return bisect.run(arguments[1:])
    options = parser().parse_args(arguments)
    if options.command == "add":
        return adding.run(options)
    from faultline_reports.history import reading  # SQLAlchemy, and what detects and draws

    return reading.COMMANDS[options.command](options)


def main() -> int:
    return command.main("faultline history", run, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
