"""Paired samples: the Hodges-Lehmann estimate with the interval from inverting the signed-rank test.

The estimate is the median of all Walsh averages (d_i + d_j) / 2, i <= j; the interval runs from the k-th
smallest to the k-th largest of them. Under symmetry its confidence is exactly 1 - 2 P(T <= k - 1), T the
signed-rank statistic. Hodges and Lehmann, "Estimates of Location Based on Rank Tests", 1963; Hollander, Wolfe
and Chicken, "Nonparametric Statistical Methods", 3rd edition, 2014, 3.2 and 3.3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from faultline_reports.statistics.interval import Interval
from faultline_reports.statistics.order import middle
from faultline_reports.statistics.thresholds import CONFIDENCE, EXACT_SIGNED_RANK

Floats = npt.NDArray[np.float64]


def walsh_averages(differences: Sequence[float]) -> Floats:
    """All (d_i + d_j) / 2 with i <= j, sorted."""
    values = np.asarray(differences, dtype=np.float64)
    rows, columns = _pairs(len(values))
    averages: Floats = (values[rows] + values[columns]) / 2
    averages.sort()
    return averages


@lru_cache(maxsize=64)
def _pairs(samples: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    return np.triu_indices(samples)


@lru_cache(maxsize=256)
def _cumulative(samples: int) -> Floats:
    """P(T <= t) for t = 0, 1, ...: T is the sum of a random subset of the ranks 1..n."""
    ways = np.zeros(samples * (samples + 1) // 2 + 1)
    ways[0] = 1.0
    for rank in range(1, samples + 1):
        shifted = np.zeros_like(ways)
        shifted[rank:] = ways[:-rank]
        ways = (ways + shifted) / 2
    return np.cumsum(ways)


def best_confidence(samples: int) -> float:
    """The most that an interval of so many paired samples can have: 0.9375 for five, 0.96875 for six."""
    return 1 - 2.0 ** (1 - samples) if samples > 1 else 0.0


@lru_cache(maxsize=1024)
def order_for(samples: int, wanted: float) -> tuple[int, float]:
    """The largest k whose interval (k-th smallest to k-th largest Walsh average) has at least the confidence
    wanted, and that confidence; k = 1 with less where the samples cannot give it."""
    if samples > EXACT_SIGNED_RANK:
        mean = samples * (samples + 1) / 4
        deviation = math.sqrt(samples * (samples + 1) * (2 * samples + 1) / 24)
        below = mean + NormalDist().inv_cdf((1 - wanted) / 2) * deviation - 0.5
        order = max(1, math.floor(below))
        return order, 1 - 2 * NormalDist(mean, deviation).cdf(order - 0.5)
    cumulative = _cumulative(samples)
    order = int(np.searchsorted(cumulative, (1 - wanted) / 2 + 1e-12, side="right"))
    if order < 1:
        return 1, best_confidence(samples)
    return order, float(1 - 2 * cumulative[order - 1])


def centre(differences: Sequence[float]) -> float:
    """The estimate alone."""
    return middle(walsh_averages(differences))


def interval(differences: Sequence[float], wanted: float = CONFIDENCE) -> Interval:
    """Estimate and interval of the centre of `differences`, which must not be empty."""
    averages = walsh_averages(differences)
    order, confidence = order_for(len(differences), wanted)
    return Interval(
        estimate=middle(averages),
        low=float(averages[order - 1]),
        high=float(averages[len(averages) - order]),
        confidence=confidence,
        wanted=wanted,
        samples=len(differences),
    )
