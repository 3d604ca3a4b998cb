"""`faultline report`: a result document as one HTML file."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence

from faultline_reports import command, document
from faultline_reports.errors import Exit, UserError
from faultline_reports.model import Document

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
    result.add_argument("-q", "--quiet", action="store_true", help="do not print the path that was written")
    return result


def run(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    loaded = document.load(options.results)
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

    return page.render(loaded, baseline)


def target_file(output: str) -> str:
    """The file to write; a directory is made when it is missing."""
    if output.lower().endswith((".html", ".htm")) and not os.path.isdir(output):
        return output
    try:
        os.makedirs(output, exist_ok=True)
    except (OSError, ValueError) as error:
        raise UserError(
            Exit.CANNOT_CREATE, output, f"cannot be created: {command.reason(error)}", _REMEDY
        ) from None
    return os.path.join(output, "index.html")


_REMEDY = "name a place with -o that you may write to"


@contextlib.contextmanager
def replacement(target: str) -> Iterator[Callable[[str], None]]:
    """Writes `target` atomically: an older report stays whole until the new one is, and through any error."""
    try:
        handle, temporary = tempfile.mkstemp(".html", ".faultline-", os.path.dirname(target) or ".")
    except (OSError, ValueError) as error:
        raise UserError(
            Exit.CANNOT_CREATE, target, f"cannot be created: {command.reason(error)}", _REMEDY
        ) from None

    def write(text: str) -> None:
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(temporary, 0o666 & ~mask)
            os.replace(temporary, target)
        except OSError as error:
            raise UserError(Exit.IO, target, f"cannot be written: {command.reason(error)}", _REMEDY) from None

    try:
        yield write
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def main() -> int:
    return command.main("faultline report", run, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
