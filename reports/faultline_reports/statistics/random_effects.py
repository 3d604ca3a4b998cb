"""One effect from several hosts that each measured it: what holds on average, and how much hosts differ.

Random effects: DerSimonian and Laird, "Meta-Analysis in Clinical Trials", 1986, for the variance between
hosts; the interval of Hartung and Knapp, "A refined method for the meta-analysis of controlled clinical
trials", 2001, which holds for few hosts; I² of Higgins and Thompson, 2002; the prediction interval for one
more host of Higgins, Thompson and Spiegelhalter, 2009. Student's and the chi-square distribution for whole
degrees of freedom: Abramowitz and Stegun 26.7.3, 26.7.4 and 26.4.8.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from faultline_reports.statistics.interval import Interval
from faultline_reports.statistics.thresholds import CONFIDENCE

_LEAST_ERROR = 1e-6  # of an effect: counts that do not vary have none of their own


@dataclass(frozen=True)
class Joined:
    """On the scale of the effects."""

    estimate: float
    low: float  # of the average over hosts
    high: float
    predicted_low: float  # of one more host; infinite with two hosts
    predicted_high: float
    between: float  # standard deviation between hosts
    share: float  # I²: of what is seen between hosts, how much is not chance
    p: float  # of "all hosts have the same effect"
    hosts: int


def standard_error(interval: Interval) -> float | None:
    """From an interval that has its confidence; None where there were too few rounds for that."""
    if not interval.reached:
        return None
    return max(_LEAST_ERROR, interval.half_width / NormalDist().inv_cdf((1 + interval.wanted) / 2))


def join(effects: Sequence[float], errors: Sequence[float]) -> Joined:
    """Of two hosts or more; `errors` are standard errors above 0."""
    count = len(effects)
    weights = [1 / error**2 for error in errors]
    fixed = _mean(effects, weights)
    spread = sum(w * (y - fixed) ** 2 for w, y in zip(weights, effects))  # Cochran's Q
    scale = sum(weights) - sum(w * w for w in weights) / sum(weights)
    variance = max(0.0, (spread - (count - 1)) / scale)
    weights = [1 / (error**2 + variance) for error in errors]
    centre = _mean(effects, weights)
    residual = sum(w * (y - centre) ** 2 for w, y in zip(weights, effects)) / (count - 1)
    # Never narrower than the ordinary interval, as is advised where the hosts happen to agree.
    error = math.sqrt(max(1.0, residual) / sum(weights))
    half = student_quantile((1 + CONFIDENCE) / 2, count - 1) * error
    beyond = math.inf
    if count > 2:
        beyond = student_quantile((1 + CONFIDENCE) / 2, count - 2) * math.sqrt(variance + error**2)
    share = max(0.0, (spread - (count - 1)) / spread) if spread > 0 else 0.0
    return Joined(
        centre, centre - half, centre + half, centre - beyond, centre + beyond,
        math.sqrt(variance), share, chi_square_beyond(spread, count - 1), count,
    )  # fmt: skip


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    return sum(w * y for w, y in zip(weights, values)) / sum(weights)


def student_quantile(share: float, freedom: int) -> float:
    """For shares from 0.5 on."""
    low, high = 0.0, 1.0
    while _student_below(high, freedom) < share:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if _student_below(middle, freedom) < share else (low, middle)
    return (low + high) / 2


def _student_below(value: float, freedom: int) -> float:
    angle = math.atan(value / math.sqrt(freedom))
    cosine, sine = math.cos(angle), math.sin(angle)
    odd = freedom % 2 == 1
    term, total = (cosine if odd else 1.0), 0.0
    for k in range((freedom - 1) // 2 if odd else freedom // 2):
        total += term
        step = (2 * k + 2) / (2 * k + 3) if odd else (2 * k + 1) / (2 * k + 2)
        term *= step * cosine**2
    within = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return 0.5 + within / 2


def chi_square_beyond(value: float, freedom: int) -> float:
    """P(X > value)."""
    half = value / 2
    if freedom % 2 == 0:
        k, tail = 2, math.exp(-half)
    else:
        k, tail = 1, math.erfc(math.sqrt(half))
    while k < freedom and half > 0:
        tail += math.exp(k / 2 * math.log(half) - half - math.lgamma(k / 2 + 1))
        k += 2
    return min(1.0, tail)
