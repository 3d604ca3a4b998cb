"""The options of `faultline run` that every command that measures takes."""

from __future__ import annotations

import argparse

from faultline_reports import command


def add(parser: argparse.ArgumentParser) -> None:
    """--seed, --run-option, -q."""
    parser.add_argument(
        "--seed",
        metavar="N",
        type=command.whole(0, 2**63 - 1),
        help="as for `faultline run` (default: drawn)",
    )
    parser.add_argument(
        "--run-option",
        metavar="OPTION",
        action="append",
        default=[],
        help="passed on to `faultline run`, as --run-option=--idle-ms=50; may be repeated",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress")
