"""Change points of a series in the order of time: where two methods agree that its level moved.

L1-Potts (potts.py) proposes, E-divisive (energy.py) confirms within so many points and at p < 0.001; a change
needs points after it and a size that matters. Proposals that are not confirmed are taken away, least likely
first, and their neighbours judged again over the longer stretch.

Neighbouring nights may be alike: what they share is told from differences over one and over two points,
which steps hardly touch (Tecuapetla-Gómez and Munk, "Autocovariance estimation in regression with a
discontinuous signal", 2017), and widens the noise of means by (1 + r) / (1 - r), r the correlation of
neighbours. A few nights may seem alike by chance, so a step of many deviations is confirmed without that.

So that years of nights take no longer than they must, only places are looked at where the means of
neighbouring points differ by more than chance lets them in a long series, at one of several scales: a moving-
sum screen, Eichinger and Kirch, "A MOSUM procedure for the estimation of multiple random change points",
2018. Short series are looked at whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faultline_reports.statistics import energy, potts, rank_sum
from faultline_reports.statistics.false_discovery import largest_accepted
from faultline_reports.statistics.interval import Interval
from faultline_reports.statistics.signed_rank import Floats
from faultline_reports.statistics.thresholds import (
    CHANGE_AGREE_POINTS,
    CHANGE_CLEAR_DEVIATIONS,
    CHANGE_DISCOVERY_RATE,
    CHANGE_LEAST_MADS,
    CHANGE_LEAST_POINTS,
    CHANGE_LEAST_SHARE,
    CHANGE_P,
    CHANGE_PENALTY,
    CHANGE_SCALES,
    CHANGE_SCREEN,
    CHANGE_WINDOW,
    NEWEST_DEVIATIONS,
    NEWEST_LEAST_POINTS,
)

# From the median absolute deviation of normal noise to its standard deviation.
_DEVIATION = 1.4826
_REGION = 6 * CHANGE_WINDOW  # the most points that are segmented at once
_UNCERTAINTY = 1.5  # of the correlation, times the root of the number of points
_MOST_SHARED = 0.9  # correlation of neighbours: beyond it nothing could be told
_LEAST_NOISE = math.log1p(CHANGE_LEAST_SHARE) / 4  # of what does not vary at all


@dataclass(frozen=True)
class Change:
    """On the log scale. `at` is the first point of the new level."""

    at: int
    before: float  # medians of the points around it that it was judged by
    after: float
    size: Interval
    p: float


def find(values: Sequence[float] | Floats) -> list[Change]:
    """The change points of one series, oldest first. `values` are logarithms and finite."""
    points = np.asarray(values, dtype=np.float64)
    if len(points) < 2 * CHANGE_LEAST_POINTS:
        return []
    noise = _noise(points)
    penalty = CHANGE_PENALTY * noise.of_means * math.log(len(points))
    found: list[Change] = []
    for begin, end in _regions(points, noise):
        proposed = [begin + at for at in potts.jumps(points[begin:end], penalty, CHANGE_LEAST_POINTS)]
        found += _confirmed(points, noise, begin, end, proposed)
    return _apart(found)


@dataclass(frozen=True)
class _Noise:
    deviation: float  # of a point
    inflation: float  # of a mean's variance by what neighbours share; 1 where they share nothing

    @property
    def of_means(self) -> float:
        return self.deviation * math.sqrt(self.inflation)


def _noise(points: Floats) -> _Noise:
    """From neighbouring differences: steps do not widen it."""
    squares = (points[1:] - points[:-1]) ** 2, (points[2:] - points[:-2]) ** 2
    # Without the few beyond three deviations: those that reach over a step.
    bound = (3 * _DEVIATION) ** 2 * max(float(np.median(entry)) for entry in squares)
    near, far = (float(np.mean(entry[entry <= bound])) for entry in squares)
    uncertain = _UNCERTAINTY / math.sqrt(len(points))  # a few points alone do not show anything shared
    shared = min(max(far / near - 1 - uncertain, 0.0), _MOST_SHARED) if near > 0 else 0.0
    deviation = math.sqrt(near / (2 * (1 - shared)))
    return _Noise(max(deviation, _LEAST_NOISE), (1 + shared) / (1 - shared))


def believed(series: Sequence[Sequence[Change]], tests: int) -> list[bool]:
    """Which series' changes to believe, each judged by its clearest one, out of `tests` series that were
    looked at."""
    clearest = [min((change.p for change in changes), default=1.0) for changes in series]
    bound = largest_accepted([p for p in clearest if p < CHANGE_P], max(tests, 1), CHANGE_DISCOVERY_RATE)
    return [p <= bound for p in clearest]


def newest(values: Sequence[float] | Floats, since: int = 0) -> float | None:
    """How many robust deviations the last point lies from those before it, from index `since` on, when that
    is so far that a run should be repeated; None otherwise."""
    points = np.asarray(values, dtype=np.float64)[since:][-CHANGE_WINDOW - 1 :]
    if len(points) < NEWEST_LEAST_POINTS + 1:
        return None
    centre = float(np.median(points[:-1]))
    spread = max(float(_DEVIATION * np.median(np.abs(points[:-1] - centre))), _LEAST_NOISE)
    away = (float(points[-1]) - centre) / spread
    return away if abs(away) > NEWEST_DEVIATIONS else None


def _regions(points: Floats, noise: _Noise) -> Iterator[tuple[int, int]]:
    """Stretches that may hold a change, each short enough to be segmented."""
    count = len(points)
    if count <= _REGION:
        yield 0, count
        return
    near = _screened(points, noise)
    if not len(near):
        return
    breaks = np.flatnonzero(np.diff(near) > 2 * CHANGE_WINDOW)
    firsts = near[np.r_[0, breaks + 1]]
    lasts = near[np.r_[breaks, len(near) - 1]]
    for first, last in zip(firsts.tolist(), lasts.tolist()):
        begin, end = max(0, first - CHANGE_WINDOW), min(count, last + CHANGE_WINDOW)
        while end - begin > _REGION:
            yield begin, begin + _REGION
            begin += _REGION - 2 * CHANGE_WINDOW  # what one cuts off the next has in its middle
        yield begin, end


def _screened(points: Floats, noise: _Noise) -> npt.NDArray[np.intp]:
    """Where at some scale the means of the points before and after differ by more than chance."""
    sums = np.concatenate(([0.0], np.cumsum(points - points[0])))
    least = math.log1p(CHANGE_LEAST_SHARE) / 2
    flagged = np.zeros(len(points) + 1, dtype=bool)
    for scale in CHANGE_SCALES:
        differences = sums[2 * scale :] - 2 * sums[scale:-scale] + sums[: -2 * scale]
        bound = max(CHANGE_SCREEN * noise.of_means * math.sqrt(2 / scale), least)
        flagged[scale : scale + len(differences)] |= np.abs(differences) > bound * scale
    return np.flatnonzero(flagged)


def _confirmed(points: Floats, noise: _Noise, begin: int, end: int, proposed: Sequence[int]) -> list[Change]:
    places = list(proposed)
    while places:
        edges = [begin, *places, end]
        judged = [_judged(points, noise, *edges[n : n + 3]) for n in range(len(places))]
        weak = [n for n, (change, _) in enumerate(judged) if change is None]
        if not weak:
            return [change for change, _ in judged if change is not None]
        del places[max(weak, key=lambda n: judged[n][1])]
    return []


def _judged(points: Floats, noise: _Noise, left: int, at: int, right: int) -> tuple[Change | None, float]:
    """The change at or next to `at` between its neighbours, or None; and the p-value that E-divisive gives
    it."""
    near = range(max(left + 1, at - CHANGE_AGREE_POINTS), min(right, at + CHANGE_AGREE_POINTS + 1))
    # Segments of fewer points than count were not proposed: a step just outside is one point off.
    at = min(near, key=lambda place: _cost(points[left:place]) + _cost(points[place:right]))
    before = points[max(left, at - CHANGE_WINDOW) : at]
    after = points[at : min(right, at + CHANGE_WINDOW)]
    if min(len(before), len(after)) < CHANGE_LEAST_POINTS:
        return None, 1.0
    centres = float(np.median(before)), float(np.median(after))
    # So large a step is none that alike neighbours make, whatever chance makes of their likeness in a few.
    clear = abs(centres[1] - centres[0]) >= CHANGE_CLEAR_DEVIATIONS * noise.deviation
    inflation = 1.0 if clear else noise.inflation
    split = energy.best_split(np.concatenate((before, after)), CHANGE_LEAST_POINTS, inflation)
    if split is None or abs(split.at - len(before)) > CHANGE_AGREE_POINTS:
        return None, 1.0
    if split.p >= CHANGE_P:
        return None, split.p
    spread = float(np.median(np.abs(np.concatenate((before - centres[0], after - centres[1])))))
    size = rank_sum.interval(before.tolist(), after.tolist())
    if abs(size.estimate) < max(math.log1p(CHANGE_LEAST_SHARE), CHANGE_LEAST_MADS * spread):
        return None, split.p
    return Change(at, *centres, size, split.p), split.p


def _cost(points: Floats) -> float:
    return float(np.abs(points - np.median(points)).sum())


def _apart(changes: Sequence[Change]) -> list[Change]:
    """Each once: of those that overlapping stretches found next to each other the clearest."""
    kept: list[Change] = []
    for change in sorted(changes, key=lambda change: change.at):
        if kept and change.at - kept[-1].at < CHANGE_LEAST_POINTS:
            kept[-1] = min(kept[-1], change, key=lambda one: one.p)
        else:
            kept.append(change)
    return kept
