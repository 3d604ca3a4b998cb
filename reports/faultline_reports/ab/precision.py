"""When an A/B has enough rounds: it looks at how wide the intervals are, never at where they lie.

Stopping where a p-value crosses a line finds a difference in the end even where there is none. The width of a
signed-rank interval says nothing about its sign, so rounds may be added until it is small enough; what that
does to the intervals' coverage is measured in tests/power/.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from faultline_reports.comparison import Row
from faultline_reports.statistics.thresholds import AB_HALF_WIDTH, AB_MOST_ROUNDS, AB_ROUNDS, AB_STEP
from faultline_reports.statistics.verdict import Scale

DECIDING = "cpu_ns_per_operation"


def widest(rows: Sequence[Row]) -> float | None:
    """The largest half-width of a CPU time's 95 % interval, on the log scale; None before there is one."""
    effects = [row.effect for row in rows if row.metric.key == DECIDING and row.effect is not None]
    widths = [
        effect.shown.half_width if effect.shown.reached else math.inf
        for effect in effects
        if effect.scale is Scale.RATIO
    ]
    return max(widths, default=None)


def enough(rows: Sequence[Row]) -> bool:
    """False when there is no CPU time to go by: then all rounds are run."""
    found = widest(rows)
    return found is not None and found <= math.log1p(AB_HALF_WIDTH)


def next_look(rounds: int, most: int = AB_MOST_ROUNDS) -> int:
    """After how many rounds to look at the precision for the next time. A fixed sequence."""
    return min(most, AB_ROUNDS if rounds < AB_ROUNDS else rounds + AB_STEP)
