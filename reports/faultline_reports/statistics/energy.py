"""Is there a change of distribution among points in a row, and where? The energy statistic over all splits.

E-divisive: the split with the largest Q = mn/(m+n) (2 E|X-Y| - E|X-X'| - E|Y-Y'|), which counts when no more
than a share `p` of random orders of the same points has one as large. Matteson and James, "A Nonparametric
Approach for Multiple Change Point Analysis of Multivariate Data", 2014, with alpha = 1.

In one dimension the distance is 2 ∫ (F - G)² dx (Székely and Rizzo, "Energy statistics", 2013): a sum over
the gaps between neighbouring values, weighted by how many points left of the split lie below the gap. So the
weights of a random order do not depend on the values: they are made once for a number of points, from a fixed
seed, and each test is a product with its gaps.

A p-value beyond what so many orders resolve is told by the exponential tail of the largest of them
(Knijnenburg et al., "Fewer permutations, more accurate P-values", 2009), and is never below what all orders
of the points could give.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from faultline_reports.statistics.signed_rank import Floats
from faultline_reports.statistics.thresholds import CHANGE_ORDERS, CHANGE_SEED, CHANGE_TAIL

Weights = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Split:
    at: int  # the first point of the right part
    statistic: float
    p: float


def best_split(values: Sequence[float] | Floats, least: int, inflation: float = 1.0) -> Split | None:
    """The split of `values` with the largest statistic, both parts of at least `least` points; None where
    there are too few points or nothing varies. `inflation`: by how much what neighbours share widens the
    variance of means, and with it the statistic where there is no change."""
    points = np.asarray(values, dtype=np.float64)
    count = len(points)
    if count < 2 * least:
        return None
    order = np.argsort(points, kind="stable")
    gaps = np.diff(points[order])
    if not gaps.any():
        return None
    ranks = np.empty(count, dtype=np.intp)
    ranks[order] = np.arange(count)
    scaled = (gaps / gaps.sum()).astype(np.float32)
    seen = _weights(ranks[None, :], least)[0] @ scaled
    at = int(np.argmax(seen))
    largest = float(seen[at])
    random = np.sort((_random_orders(count, least) @ scaled).max(axis=1))
    return Split(
        at + least, largest * float(gaps.sum()), _p_value(largest / inflation, random, count, at + least)
    )


def _p_value(largest: float, random: Floats, count: int, at: int) -> float:
    as_large = len(random) - int(np.searchsorted(random, largest * (1 - 1e-5), side="left"))
    if as_large >= CHANGE_TAIL:
        return (1 + as_large) / (1 + len(random))
    tail = random[-CHANGE_TAIL:]
    begin = float(random[-CHANGE_TAIL - 1])
    mean = float((tail - begin).mean())
    if mean <= 0:
        return (1 + as_large) / (1 + len(random))
    beyond = CHANGE_TAIL / len(random) * math.exp(-max(0.0, largest - begin) / mean)
    return max(beyond, 1 / math.comb(count, at))


@lru_cache(maxsize=8)
def _random_orders(count: int, least: int) -> Weights:
    generator = np.random.default_rng(CHANGE_SEED)
    orders = generator.permuted(np.tile(np.arange(count), (CHANGE_ORDERS, 1)), axis=1)
    weights = np.empty((CHANGE_ORDERS, count - 2 * least + 1, count - 1), dtype=np.float32)
    for start in range(0, CHANGE_ORDERS, _SLICE):  # what a processor's cache holds
        weights[start : start + _SLICE] = _weights(orders[start : start + _SLICE], least)
    return weights


_SLICE = 32


def _weights(ranks: npt.NDArray[np.intp], least: int) -> Weights:
    """[order, split, gap]: what the statistic of a split weighs the gap above a rank by."""
    count = ranks.shape[1]
    small = np.uint8 if count < 256 else np.uint16
    below = ranks.astype(small)[:, :, None] <= np.arange(count - 1, dtype=small)
    left = np.cumsum(below.view(np.uint8), axis=1, dtype=small)[:, least - 1 : count - least]
    sizes = np.arange(least, count - least + 1, dtype=np.float32)[:, None]
    under = np.arange(1, count, dtype=np.float32)
    # F - G = left / size - (under - left) / (count - size), as one factor of `left` and a rest
    weights: Weights = np.multiply(left, 1 / sizes + 1 / (count - sizes), dtype=np.float32)
    weights -= under / (count - sizes)
    weights *= weights
    weights *= 2 * sizes * (count - sizes) / count
    return weights
