"""`faultline report`: a result document as one HTML file."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import TypeVar

from faultline_reports import calibration, command, document, fields, output, scarcity, stress
from faultline_reports.errors import Exit, UserError, visible
from faultline_reports.model import Document
from faultline_reports.report.analysis import Analysis, analyse

MOST_LINES = 50  # of differences that are printed

EXAMPLE = """examples:
  faultline report results.json -o out/report --baseline system
  writes out/report/index.html, which opens in any browser without a network
  faultline report results.json --format markdown      the first screen for a pull request
  faultline report --verify out/report/index.html      do its verdicts follow from its samples?
  faultline report results.json --site public          add the run to a site"""


def parser() -> command.Parser:
    result = command.Parser(
        prog="faultline report",
        description="Make one HTML file from a result document. It needs no network and no script.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument(
        "results",
        metavar="RESULTS.json",
        help="the document that `faultline run -o` wrote; with --verify the page",
    )
    result.add_argument(
        "-o",
        "--output",
        metavar="DIR|FILE.html",
        help="where to write: a .html file, or a directory that gets index.html (default: report.html); with "
        "--format a file (default: standard output)",
    )
    result.add_argument(
        "--format",
        choices=["html", "markdown", "text", "json"],
        default="html",
        help="the whole page, or its first screen in another form (default: html)",
    )
    result.add_argument(
        "--site",
        metavar="DIR",
        help="add the run to a site: a folder with pages for runs, workloads and allocators, and a feed",
    )
    result.add_argument(
        "--changes",
        metavar="FILE.json",
        help="with --site: change points that `faultline history detect --json` wrote",
    )
    result.add_argument(
        "--base-url", metavar="URL", default="", help="with --site: where it is published, for the feed"
    )
    result.add_argument("--revision", metavar="REV", default="", help="with --site: what was measured")
    result.add_argument("--subject", metavar="TEXT", default="", help="with --site: its commit's first line")
    result.add_argument("--png", metavar="FILE.png", help="also write a picture of the summary")
    result.add_argument(
        "--verify",
        action="store_true",
        help="derive the verdicts of a page again from the samples in it: exit status 0, or 1 and what "
        "differs",
    )
    result.add_argument(
        "--baseline", metavar="NAME", help="allocator the others are compared with (default: system)"
    )
    result.add_argument(
        "--only",
        metavar="WORKLOAD",
        action="append",
        help="report this workload alone, by its label; may be repeated",
    )
    result.add_argument(
        "--stress", metavar="STRESS.json", help="also show the checks that `faultline stress -o` wrote"
    )
    result.add_argument(
        "--pressure",
        metavar="PRESSURE.json",
        help="also show what `faultline pressure -o` measured of scarce memory",
    )
    result.add_argument("-q", "--quiet", action="store_true", help="do not print the path that was written")
    return result


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    if options.verify:
        return _verify(options)
    loaded = document.load(options.results)
    if options.only:
        loaded = _only(loaded, options.only)
    if options.stress is not None:
        loaded = dataclasses.replace(loaded, stress=stress.load(options.stress))
    if options.pressure is not None:
        loaded = dataclasses.replace(loaded, scarcity=scarcity.load(options.pressure))
    if options.png is not None:
        with output.replacement(options.png) as write:
            write(_quietly(lambda: _poster(loaded, options.baseline)))
    if options.site is not None:
        return _site(options, loaded)
    if options.format != "html":
        return _as_text(options, loaded)
    target = target_file(options.output or "report.html")
    with output.replacement(
        target
    ) as write:  # opened first: a place that cannot be written to is said at once
        write(_quietly(lambda: _page(loaded, options.baseline)))
    if not options.quiet:
        print(target)
    return 0


def _only(loaded: Document, labels: Sequence[str]) -> Document:
    known = [workload.label for workload in loaded.workloads]
    for label in labels:
        if label not in known:
            what = f"has no workload {label!r}"
            raise UserError(Exit.USAGE, loaded.source, what, f"it has {', '.join(known) or 'none'}")
    return dataclasses.replace(
        loaded,
        workloads=[workload for workload in loaded.workloads if workload.label in labels],
        trials=[trial for trial in loaded.trials if trial.workload in labels],
        counts=[trial for trial in loaded.counts if trial.workload in labels],
        occupancy=[trial for trial in loaded.occupancy if trial.workload in labels],
    )


def _as_text(options: argparse.Namespace, loaded: Document) -> int:
    from faultline_reports.report import as_text

    text = as_text.FORMATS[options.format](_analysed(loaded, options.baseline))
    if options.output is None:
        print(text, end="")
    else:
        output.write(options.output, text)
        if not options.quiet:
            print(options.output)
    return 0


def _site(options: argparse.Namespace, loaded: Document) -> int:
    from faultline_reports.report import site

    base = options.base_url
    if base and not re.fullmatch(r"https?://[^\s<>\"]+", base):
        raise UserError(
            Exit.USAGE, "--base-url", f"{base!r} is no address", "as in https://example.org/perf/"
        )
    analysis = _analysed(loaded, options.baseline)
    page = _quietly(lambda: _page(loaded, options.baseline))
    base = base if not base or base.endswith("/") else f"{base}/"
    commit = site.Commit(visible(options.revision), visible(options.subject))
    written = site.add(output.directory(options.site), analysis, page, options.changes, base, commit)
    if not options.quiet:
        print(os.path.join(options.site, "index.html"))
        print(written[0])
    return 0


def _verify(options: argparse.Namespace) -> int:
    from faultline_reports.report import verify

    try:
        text = fields.read(options.results).decode("utf-8")
    except UnicodeDecodeError:
        raise UserError(Exit.DATA, options.results, "is not UTF-8", "name a page") from None
    found = verify.read(text)
    lines, claims = _quietly(lambda: verify.differences(found, options.results))
    for line in lines[:MOST_LINES]:
        print(line)
    if len(lines) > MOST_LINES:
        print(f"and {len(lines) - MOST_LINES} more")
    samples = sum(text.count("\n") - 1 for text in found.samples.values())
    if lines:
        print(f"no: {len(lines)} of {claims} claims differ from what {samples} samples give")
        return 1
    print(f"yes: the {claims} claims of {options.results} follow from its {samples} samples")
    return 0


def _analysed(loaded: Document, baseline: str | None) -> Analysis:
    known = calibration.load(loaded.fingerprint)
    return analyse(loaded, baseline, known.false_alarms() if known else None)


def _page(loaded: Document, baseline: str | None) -> str:
    from faultline_reports.report import page

    known = calibration.load(loaded.fingerprint)
    return page.render(loaded, baseline, known.false_alarms() if known else None)


def _poster(loaded: Document, baseline: str | None) -> bytes:
    from faultline_reports.report import poster

    return poster.png(_analysed(loaded, baseline))


Result = TypeVar("Result")


def _quietly(work: Callable[[], Result]) -> Result:
    """What matplotlib says about its caches and about glyphs that its own font lacks is of no use here: the
    page's text is drawn by the browser. It takes half a second to load, so errors that need it not come
    before it."""
    logging.getLogger("matplotlib").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", "Glyph .* missing from current font")
    return work()


def target_file(place: str) -> str:
    """The file to write; a directory is made when it is missing."""
    if place.lower().endswith((".html", ".htm")) and not os.path.isdir(place):
        return place
    return os.path.join(output.directory(place), "index.html")


def main() -> int:
    return command.main("faultline report", run, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
