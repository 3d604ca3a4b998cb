"""Time that a command may take, and how much of it is left."""

from __future__ import annotations

import math
import re
import time

from faultline_reports.errors import Exit, UserError

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def seconds(text: str, where: str) -> float:
    """ "90", "90s", "10m" or "1.5h" in seconds. Raises UserError."""
    match = re.fullmatch(r"\s*([0-9]{1,7}(?:\.[0-9]{1,6})?)\s*([a-z]*)\s*", text)
    if match is None or match.group(2) not in _UNITS or float(match.group(1)) == 0:
        raise UserError(Exit.USAGE, where, f"{text!r} is not a time", "write for example 90s, 10m or 1h")
    return float(match.group(1)) * _UNITS[match.group(2)]


def words(value: float) -> str:
    """Seconds as people say them: 45 s, 9 min 30 s, 2 h 5 min."""
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


class Budget:
    """Counts from its making. Without a limit there is always time left."""

    def __init__(self, limit: float | None) -> None:
        self._began = time.monotonic()
        self.limit = limit

    def spent(self) -> float:
        return time.monotonic() - self._began

    def left(self) -> float:
        return math.inf if self.limit is None else self.limit - self.spent()
