"""`faultline report`: a result document as one HTML file."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import os
import sys
import warnings
from collections.abc import Sequence

from faultline_reports import calibration, command, document, stress
from faultline_reports.model import Document
from faultline_reports.output import directory, replacement

EXAMPLE = """example:
  faultline report results.json -o out/report --baseline system
  writes out/report/index.html, which opens in any browser without a network"""


def parser() -> command.Parser:
    result = command.Parser(
        prog="faultline report",
        description="Make one HTML file from a result document. It needs no network and no script.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("results", metavar="RESULTS.json", help="the document that `faultline run -o` wrote")
    result.add_argument(
        "-o",
        "--output",
        metavar="DIR|FILE.html",
        default="report.html",
        help="where to write: a .html file, or a directory that gets index.html (default: report.html)",
    )
    result.add_argument(
        "--baseline", metavar="NAME", help="allocator the others are compared with (default: system)"
    )
    result.add_argument(
        "--stress", metavar="STRESS.json", help="also show the checks that `faultline stress -o` wrote"
    )
    result.add_argument("-q", "--quiet", action="store_true", help="do not print the path that was written")
    return result


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    loaded = document.load(options.results)
    if options.stress is not None:
        loaded = dataclasses.replace(loaded, stress=stress.load(options.stress))
    target = target_file(options.output)
    with replacement(target) as write:  # opened first: a place that cannot be written to is said at once
        write(render(loaded, options.baseline))
    if not options.quiet:
        print(target)
    return 0


def render(loaded: Document, baseline: str | None) -> str:
    # What matplotlib says about its caches and about glyphs that its own font lacks is of no use here: the
    # page's text is drawn by the browser. It takes half a second to load, so errors that need it not come
    # before it.
    logging.getLogger("matplotlib").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", "Glyph .* missing from current font")
    from faultline_reports.report import page

    known = calibration.load(loaded.fingerprint)
    return page.render(loaded, baseline, known.false_alarms() if known else None)


def target_file(output: str) -> str:
    """The file to write; a directory is made when it is missing."""
    if output.lower().endswith((".html", ".htm")) and not os.path.isdir(output):
        return output
    return os.path.join(directory(output), "index.html")


def main() -> int:
    return command.main("faultline report", run, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
