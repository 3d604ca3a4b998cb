"""Many paired comparisons at once: intervals that hold together.

max-T: the signs of each round's differences are flipped for all comparisons jointly, which keeps their
dependence, and the largest standardised signed-rank statistic is noted; its quantile is the critical value
for every comparison. Westfall and Young, "Resampling-Based Multiple Testing", 1993. The flipped values are
residuals from each comparison's own Hodges-Lehmann estimate, so that real differences do not widen the
others' intervals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from faultline_reports.statistics.signed_rank import Floats, interval, walsh_averages
from faultline_reports.statistics.thresholds import CONFIDENCE, ENUMERATED_ROUNDS, FLIP_SEED, SIGN_FLIPS

Bounds = tuple[float, float]


def intervals(comparisons: Sequence[Mapping[int, float]], wanted: float = CONFIDENCE) -> list[Bounds | None]:
    """For each comparison (round -> difference) the bounds that hold for all together with at least the
    confidence wanted; None where so few rounds cannot give it."""
    critical = critical_value(comparisons, wanted)
    return [_bounds(list(differences.values()), critical) for differences in comparisons]


def critical_value(comparisons: Sequence[Mapping[int, float]], wanted: float = CONFIDENCE) -> float:
    """The value that the largest |standardised signed-rank statistic| exceeds with probability 1 - wanted at
    most."""
    rounds = sorted({number for differences in comparisons for number in differences})
    columns = [_signed_ranks(differences, rounds) for differences in comparisons if differences]
    if not columns:
        return math.inf
    ranks = np.column_stack(columns)
    largest = np.zeros(0)
    signs = _signs(len(rounds))
    for start in range(0, len(signs), 1024):  # in slices: a thousand comparisons must not need a gigabyte
        statistics = np.abs(signs[start : start + 1024] @ ranks).max(axis=1)
        largest = np.concatenate((largest, statistics))
    ordered = np.sort(largest)
    return float(ordered[math.ceil(wanted * len(ordered) - 1e-9) - 1])


def _signed_ranks(differences: Mapping[int, float], rounds: Sequence[int]) -> Floats:
    """Ranks of the absolute residuals with the residuals' signs, scaled to unit variance; 0 where a round is
    missing."""
    values = np.array([differences[number] for number in rounds if number in differences])
    residuals = values - interval(list(values)).estimate
    order = np.argsort(np.abs(residuals), kind="stable")
    ranks = np.empty(len(values))
    ranks[order] = np.arange(1, len(values) + 1)
    signed = np.where(residuals < 0, -ranks, ranks) / math.sqrt(float((ranks**2).sum()))
    column = np.zeros(len(rounds))
    column[[index for index, number in enumerate(rounds) if number in differences]] = signed
    return column


def _signs(rounds: int) -> Floats:
    if rounds <= ENUMERATED_ROUNDS:
        numbers = np.arange(2**rounds)
        bits: Floats = ((numbers[:, None] >> np.arange(rounds)) & 1).astype(np.float64)
        return 1.0 - 2.0 * bits
    generator = np.random.default_rng(FLIP_SEED)
    drawn = 1.0 - 2.0 * generator.integers(0, 2, size=(SIGN_FLIPS, rounds))
    return np.vstack((np.ones(rounds), drawn))


def _bounds(values: Sequence[float], critical: float) -> Bounds | None:
    count = len(values)
    if count == 0 or math.isinf(critical):
        return None
    # The statistic sum(s_i r_i) is 2 T+ - n (n + 1) / 2: accepted are centres with T+ at least `order`.
    total = count * (count + 1) / 2
    deviation = math.sqrt(count * (count + 1) * (2 * count + 1) / 6)
    order = math.ceil((total - critical * deviation) / 2 - 1e-9)
    if order < 1:
        return None
    averages = walsh_averages(values)
    return float(averages[order - 1]), float(averages[len(averages) - order])
