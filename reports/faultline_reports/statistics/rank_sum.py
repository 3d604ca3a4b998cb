"""Two unpaired samples: the Hodges-Lehmann estimate of the shift, with the interval from inverting the
rank-sum test.

The estimate is the median of all differences b_j - a_i; the interval runs from the k-th smallest to the k-th
largest, with confidence exactly 1 - 2 P(U <= k - 1), U the Mann-Whitney statistic. Hodges and Lehmann 1963;
Hollander, Wolfe and Chicken 2014, 4.2 and 4.3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from faultline_reports.statistics.interval import Interval
from faultline_reports.statistics.signed_rank import Floats
from faultline_reports.statistics.thresholds import CONFIDENCE, EXACT_RANK_SUM


@lru_cache(maxsize=256)
def _cumulative(first: int, second: int) -> Floats:
    """P(U <= u), from the Gaussian binomial coefficient: prod (1 - q^(second + i)) / (1 - q^i), i =
    1..first."""
    ways = np.zeros(first * second + 1)
    ways[0] = 1.0
    for i in range(1, first + 1):
        for u in range(len(ways) - 1, second + i - 1, -1):
            ways[u] -= ways[u - second - i]
        for u in range(i, len(ways)):
            ways[u] += ways[u - i]
    return np.cumsum(ways) / math.comb(first + second, first)


@lru_cache(maxsize=256)
def order_for(first: int, second: int, wanted: float) -> tuple[int, float]:
    if max(first, second) > EXACT_RANK_SUM:
        mean = first * second / 2
        deviation = math.sqrt(first * second * (first + second + 1) / 12)
        below = mean + NormalDist().inv_cdf((1 - wanted) / 2) * deviation - 0.5
        order = max(1, math.floor(below))
        return order, max(0.0, 1 - 2 * NormalDist(mean, deviation).cdf(order - 0.5))
    cumulative = _cumulative(first, second)
    order = int(np.searchsorted(cumulative, (1 - wanted) / 2 + 1e-12, side="right"))
    order = max(1, order)
    return order, max(0.0, float(1 - 2 * cumulative[order - 1]))


def interval(first: Sequence[float], second: Sequence[float], wanted: float = CONFIDENCE) -> Interval:
    """Estimate and interval of the shift from `first` to `second`; neither may be empty."""
    differences = np.sort(np.subtract.outer(np.asarray(second, float), np.asarray(first, float)).ravel())
    order, confidence = order_for(len(first), len(second), wanted)
    return Interval(
        estimate=float(np.median(differences)),
        low=float(differences[order - 1]),
        high=float(differences[len(differences) - order]),
        confidence=confidence,
        wanted=wanted,
        samples=min(len(first), len(second)),
    )
