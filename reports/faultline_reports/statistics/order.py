"""The median with an interval of order statistics: it asks nothing of the shape of the distribution.

The interval from the k-th smallest to the k-th largest of n values covers the median with confidence 1 - 2
P(B <= k - 1), B binomial with n and 1/2. David and Nagaraja, "Order Statistics", 3rd edition, 2003, 7.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from faultline_reports.statistics.interval import Interval
from faultline_reports.statistics.thresholds import CONFIDENCE


@lru_cache(maxsize=1024)
def order_for(samples: int, wanted: float) -> tuple[int, float]:
    """The largest k that gives at least the confidence wanted, and that confidence; k = 1 with less where the
    samples cannot give it."""
    order, confidence, tail = 0, 0.0, 0
    for k in range(1, (samples + 1) // 2 + 1):
        tail += math.comb(samples, k - 1)
        reached = 1 - 2 * tail / 2**samples
        if k > 1 and reached < wanted:
            break
        order, confidence = k, reached
    return order, max(0.0, confidence)


def middle(ordered: Sequence[float] | npt.NDArray[np.float64]) -> float:
    """The median of values in order, which must not be empty."""
    half = len(ordered) // 2
    return float(ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2)


def median(values: Sequence[float]) -> float:
    """Of values that must not be empty."""
    return middle(sorted(values))


def median_interval(values: Sequence[float], wanted: float = CONFIDENCE) -> Interval:
    """Median of `values`, which must not be empty, with its interval."""
    ordered = sorted(map(float, values))
    order, confidence = order_for(len(ordered), wanted)
    return Interval(
        estimate=middle(ordered),
        low=ordered[order - 1],
        high=ordered[len(ordered) - order],
        confidence=confidence,
        wanted=wanted,
        samples=len(ordered),
    )
