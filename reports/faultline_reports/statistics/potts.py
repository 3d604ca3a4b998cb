"""Penalised segmentation: the piecewise constant line that is nearest to the points, where each jump costs
something.

L1-Potts: least sum of |y - level of its segment| plus `penalty` for each jump. Absolute deviations are hardly
moved by a single wild point, so that it makes no segment of its own. Storath, Weinmann and Unser, "Jump-
Penalized Least Absolute Values Estimation of Scalar or Circle-Valued Signals", 2014; solved exactly by
dynamic programming over all segments of at least `least` points.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence

import numpy as np

from faultline_reports.statistics.signed_rank import Floats


def jumps(values: Sequence[float] | Floats, penalty: float, least: int) -> list[int]:
    """Where the segments begin, without the first: ascending indices of `values`."""
    count = len(values)
    if count < 2 * least:
        return []
    cost = _costs([float(value) for value in values], least)
    best = np.full(count + 1, np.inf)  # of the first r points
    best[0] = -penalty
    came_from = np.zeros(count + 1, dtype=np.intp)
    for end in range(least, count + 1):
        totals = best[: end - least + 1] + cost[: end - least + 1, end]
        start = int(np.argmin(totals))
        best[end] = totals[start] + penalty
        came_from[end] = start
    found = []
    place = int(came_from[count])
    while place > 0:
        found.append(place)
        place = int(came_from[place])
    return found[::-1]


def _costs(values: Sequence[float], least: int) -> Floats:
    """[l, r]: the least sum of absolute deviations of values[l:r] from one level. A point that is added to a
    segment costs its distance from the segment's medians: exact, and one step for each segment."""
    count = len(values)
    cost = np.full((count, count + 1), np.inf)
    for start in range(count - least + 1):
        ordered: list[float] = []
        total = 0.0
        row = []
        for size, value in enumerate(values[start:]):
            if size:
                low, high = ordered[(size - 1) // 2], ordered[size // 2]
                if value < low:
                    total += low - value
                elif value > high:
                    total += value - high
            bisect.insort(ordered, value)
            row.append(total)
        cost[start, start + least :] = row[least - 1 :]
    return cost
