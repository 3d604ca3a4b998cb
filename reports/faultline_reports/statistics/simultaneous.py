"""Many paired comparisons at once: intervals that hold together.

max-T: the signs of each round's differences are flipped for all comparisons jointly, which keeps their
dependence, and the largest standardised signed-rank statistic is noted; its quantile is the critical value
for every comparison. Westfall and Young, "Resampling-Based Multiple Testing", 1993. For intervals the flipped
values are residuals from each comparison's own Hodges-Lehmann estimate, so that real differences do not widen
the others'; for the one-sided test they are what each comparison exceeds its own limit by.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from faultline_reports.statistics.signed_rank import Floats, centre, walsh_averages
from faultline_reports.statistics.thresholds import CONFIDENCE, ENUMERATED_ROUNDS, FLIP_SEED, SIGN_FLIPS

Bounds = tuple[float, float]


def intervals(comparisons: Sequence[Mapping[int, float]], wanted: float = CONFIDENCE) -> list[Bounds | None]:
    """For each comparison (round -> difference) the bounds that hold for all together with at least the
    confidence wanted; None where so few rounds cannot give it."""
    critical = critical_value(comparisons, wanted)
    return [bounds(list(differences.values()), critical) for differences in comparisons]


def critical_value(comparisons: Sequence[Mapping[int, float]], wanted: float = CONFIDENCE) -> float:
    """The value that the largest |standardised signed-rank statistic| exceeds with probability 1 - wanted at
    most."""
    rounds = sorted({number for differences in comparisons for number in differences})
    centred = [_less(differences, _centre(differences)) for differences in comparisons if differences]
    if not centred:
        return math.inf
    ranks = np.column_stack([_column(entry, rounds, _for_interval) for entry in centred])
    largest = _largest(ranks, two_sided=True)
    ordered = np.sort(largest)
    return float(ordered[math.ceil(wanted * len(ordered) - 1e-9) - 1])


def exceed(comparisons: Sequence[Mapping[int, float]], limits: Sequence[float]) -> list[float]:
    """For each comparison the adjusted p-value of "its centre is at most its limit": with all of them below a
    level, at least one false rejection has that level as its probability at most. 1 where there are no
    rounds."""
    ranks = _excess(comparisons, limits)
    if ranks is None:
        return [1.0] * len(comparisons)
    largest = _largest(ranks, two_sided=False)
    # The unflipped signs are among those drawn or enumerated, so no p-value is 0.
    found = iter([float((largest >= seen - 1e-9).mean()) for seen in ranks.sum(axis=0)])
    return [next(found) if differences else 1.0 for differences in comparisons]


def one_sided_critical(
    comparisons: Sequence[Mapping[int, float]], limits: Sequence[float], level: float
) -> float:
    """What the standardised statistic of a comparison has to exceed for exceed() to give it `level` or
    less."""
    ranks = _excess(comparisons, limits)
    if ranks is None:
        return math.inf
    ordered = np.sort(_largest(ranks, two_sided=False))
    return float(ordered[math.ceil((1 - level) * len(ordered) - 1e-9) - 1])


def _excess(comparisons: Sequence[Mapping[int, float]], limits: Sequence[float]) -> Floats | None:
    """The signed ranks of what each comparison that has rounds exceeds its limit by, in columns."""
    rounds = sorted({number for differences in comparisons for number in differences})
    excess = [_less(differences, limit) for differences, limit in zip(comparisons, limits) if differences]
    return np.column_stack([_column(entry, rounds, _for_test) for entry in excess]) if excess else None


def _largest(ranks: Floats, two_sided: bool) -> Floats:
    """The largest statistic of the comparisons (columns) under each pattern of signs."""
    largest: list[Floats] = []
    signs = _signs(len(ranks))
    for start in range(0, len(signs), 1024):  # in slices: a thousand comparisons must not need a gigabyte
        statistics = signs[start : start + 1024] @ ranks
        largest.append((np.abs(statistics) if two_sided else statistics).max(axis=1))
    return np.concatenate(largest)


def _centre(differences: Mapping[int, float]) -> float:
    return centre(list(differences.values()))


def _less(differences: Mapping[int, float], amount: float) -> dict[int, float]:
    return {number: value - amount for number, value in differences.items()}


def _column(
    values: Mapping[int, float], rounds: Sequence[int], signed_ranks: Callable[[Floats], Floats]
) -> Floats:
    """Signed ranks by round, scaled to unit variance; 0 where a round is missing."""
    present = [index for index, number in enumerate(rounds) if number in values]
    ranks = signed_ranks(np.array([values[rounds[index]] for index in present]))
    column = np.zeros(len(rounds))
    column[present] = ranks / max(1.0, math.sqrt(float((ranks**2).sum())))
    return column


def _for_interval(values: Floats) -> Floats:
    """Ranks 1 to n whatever is tied or 0: the spread that an interval has to cover."""
    ranks = np.empty(len(values))
    ranks[np.argsort(np.abs(values), kind="stable")] = np.arange(1, len(values) + 1)
    return np.where(values < 0, -ranks, ranks)


def _for_test(values: Floats) -> Floats:
    """Equal values share their mean rank, and 0 is evidence for neither side."""
    _, group, counts = np.unique(np.abs(values), return_inverse=True, return_counts=True)
    mean: Floats = (np.cumsum(counts) - (counts - 1) / 2)[group]
    signed: Floats = np.sign(values) * mean
    return signed


def _signs(rounds: int) -> Floats:
    if rounds <= ENUMERATED_ROUNDS:
        numbers = np.arange(2**rounds)
        bits: Floats = ((numbers[:, None] >> np.arange(rounds)) & 1).astype(np.float64)
        return 1.0 - 2.0 * bits
    generator = np.random.default_rng(FLIP_SEED)
    drawn = 1.0 - 2.0 * generator.integers(0, 2, size=(SIGN_FLIPS, rounds))
    return np.vstack((np.ones(rounds), drawn))


def bounds(values: Sequence[float], critical: float) -> Bounds | None:
    """The interval of one comparison at a critical value of all; None where so few rounds give none."""
    order = order_at(len(values), critical)
    if order < 1:
        return None
    averages = walsh_averages(values)
    return float(averages[order - 1]), float(averages[len(averages) - order])


def order_at(rounds: int, critical: float) -> int:
    """Which of the sorted Walsh averages is the bound where the standardised signed-rank statistic reaches
    `critical`; 0: none does. The statistic sum(s_i r_i) is 2 T+ - n (n + 1) / 2: accepted are centres with T+
    at least this."""
    if math.isinf(critical):
        return 0
    total = rounds * (rounds + 1) / 2
    deviation = math.sqrt(rounds * (rounds + 1) * (2 * rounds + 1) / 6)
    return max(0, math.ceil((total - critical * deviation) / 2 - 1e-9))
