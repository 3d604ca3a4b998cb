"""What the commands share: errors to one line and an exit status, and option errors in the same form."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from faultline_reports.errors import Exit, UserError


class Parser(argparse.ArgumentParser):
    """Answers a wrong command line with one line and status 64, as all of faultline does."""

    def error(self, message: str) -> NoReturn:
        raise UserError(Exit.USAGE, "", message, f"see `{self.prog} --help`")


def whole(low: int, high: int) -> Callable[[str], int]:
    """For `type` of an option: a whole number from `low` to `high`."""

    def convert(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,19}", text) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return convert


def reason(error: Exception) -> str:
    """What the system said, without the file name that the line already holds."""
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number else str(error)


def main(name: str, run: Callable[[Sequence[str]], int], arguments: Sequence[str]) -> int:
    """Runs the command: its status, or one line on standard error and the error's status."""
    try:
        status = run(arguments)
        sys.stdout.flush()
        return status
    except UserError as error:
        print(f"{name}: {error.line()}", file=sys.stderr)
        return int(error.status)
    except KeyboardInterrupt:
        print(f"{name}: interrupted; nothing was written", file=sys.stderr)
        return 130
    except MemoryError:
        print(f"{name}: out of memory; report fewer workloads or use a larger machine", file=sys.stderr)
        return int(Exit.SOFTWARE)
    except BrokenPipeError:  # the reader went away, as `| head` does: nothing is left to say it to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
