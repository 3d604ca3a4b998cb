"""How small an effect a comparison could have seen.

Noise, the paired differences of two arms that are the same, is resampled to the number of rounds that were
used. A comparison sees an effect when the lower bound of its interval is above the limit; adding an effect
moves that bound by just as much, so the effect that one resample needs is known at once, and the effect that
is seen with 80 % power is that quantile over the resamples: what bisection over injected effects would find.

Resamples are made of blocks of neighbouring rounds, so that noise that lasts for some rounds stays together:
Kuensch, "The Jackknife and the Bootstrap for General Stationary Observations", 1989.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from faultline_reports.statistics.signed_rank import Floats, interval
from faultline_reports.statistics.simultaneous import order_at
from faultline_reports.statistics.thresholds import NOISE_BLOCK, POWER, RESAMPLES, RESAMPLE_SEED
from faultline_reports.statistics.verdict import Effect, Scale


def resample(noise: Sequence[float] | Floats, rounds: int, generator: np.random.Generator) -> Floats:
    """`rounds` values of `noise` in blocks of neighbours, joined end to start."""
    values = np.asarray(noise, dtype=np.float64)
    blocks = math.ceil(rounds / NOISE_BLOCK)
    starts = generator.integers(0, len(values), size=blocks)
    places = (starts[:, None] + np.arange(NOISE_BLOCK)).ravel()[:rounds] % len(values)
    drawn: Floats = values[places]
    return drawn


def lower_bounds(noise: Sequence[float], rounds: int, critical: float, seed: int = RESAMPLE_SEED) -> Floats:
    """Over resamples of `noise`, centred, the lower bound that a comparison of `rounds` rounds gives at the
    critical value of the standardised signed-rank statistic; -inf where so few rounds give none."""
    generator = np.random.default_rng(seed)
    centred = np.asarray(noise, dtype=np.float64) - interval(noise).estimate
    order = order_at(rounds, critical)
    if order < 1:
        return np.full(RESAMPLES, -math.inf)
    rows, columns = np.triu_indices(rounds)
    bounds = np.empty(RESAMPLES)
    for index in range(RESAMPLES):
        drawn = resample(centred, rounds, generator)
        averages = (drawn[rows] + drawn[columns]) / 2
        bounds[index] = np.partition(averages, order - 1)[order - 1]
    return bounds


def of(effect: Effect | None, noise: Sequence[float] | None = None) -> float | None:
    """For a paired comparison: from `noise`, the log ratios of arms that are the same, or from what its own
    differences leave around their centre. None where it cannot be told."""
    if effect is None or not effect.differences:
        return None
    usable = noise if effect.scale is Scale.RATIO else None
    return smallest(usable or list(effect.differences.values()), effect.samples, effect.critical)


def smallest(noise: Sequence[float], rounds: int, critical: float) -> float | None:
    """The smallest effect seen with the agreed power; None where so few rounds can see none."""
    needed = -lower_bounds(noise, rounds, critical)
    found = float(np.quantile(needed, POWER, method="higher"))
    return max(0.0, found) if math.isfinite(found) else None
