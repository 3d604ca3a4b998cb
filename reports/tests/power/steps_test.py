"""Change points over many series: how often one is found where there is none, and where there is one.

The bounds below are binomial, around rates that were measured with other seeds; the table is printed, so that
a change of method shows what it costs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats
from faultline_reports.statistics import change_points

Floats = np.ndarray
SPREAD = 0.0095  # of a ratio from night to night


def autocorrelated(share: float) -> Callable[[int, np.random.Generator], Floats]:
    def draw(count: int, rng: np.random.Generator) -> Floats:
        values = rng.normal(0, 1, count)
        for n in range(1, count):
            values[n] = share * values[n - 1] + np.sqrt(1 - share * share) * values[n]
        return values

    return draw


NOISES: dict[str, Callable[[int, np.random.Generator], Floats]] = {
    "normal": lambda count, rng: rng.normal(0, 1, count),
    "heavy tails": lambda count, rng: rng.standard_t(3, count),
    "bimodal": lambda count, rng: rng.normal(0, 0.3, count) + 2 * (rng.random(count) < 0.3),
    "autocorrelated 0.3": autocorrelated(0.3),
    "autocorrelated 0.59": autocorrelated(0.59),
}
SERIES = 500
# At most so many of 100 series with a change where there is none. Strong correlation cannot be told from
# steps in a short series.
MOST = {"autocorrelated 0.3": (3.0, 1.0), "autocorrelated 0.59": (9.0, 2.0)}


@pytest.mark.parametrize("name", NOISES)
def test_series_without_a_change(name: str) -> None:
    rng = np.random.default_rng(11)
    for count, most in zip((60, 400), MOST.get(name, (0.2, 0.2))):
        found = [change_points.find(NOISES[name](count, rng) * SPREAD) for _ in range(SERIES)]
        kept = change_points.believed(found, SERIES)
        series = sum(kept)
        print(f"{name:20} {count:5} points: a change in {series} of {SERIES} series")
        assert series <= scipy.stats.binom.ppf(0.999, SERIES, most / 100)


@pytest.mark.parametrize(
    ("deviations", "later", "least"),
    [(3, 6, 0.75), (3, 10, 0.88), (2, 40, 0.80), (5, 4, 0.85), (10, 4, 0.95)],
)
def test_steps_are_found(deviations: float, later: int, least: float) -> None:
    rng = np.random.default_rng(12)
    found = 0
    for _ in range(200):
        values = rng.normal(0, SPREAD, 60 + later)
        values[60:] += deviations * SPREAD
        found += any(abs(change.at - 60) <= 2 for change in change_points.find(values))
    print(f"a step of {deviations} deviations, {later} later points: found in {found / 200:.0%}")
    assert found >= scipy.stats.binom.ppf(0.001, 200, least)


def test_large_steps_are_found_within_few_nights() -> None:
    rng = np.random.default_rng(13)
    found = 0
    for _ in range(200):
        values = rng.normal(0, SPREAD, 14)
        values[8:] += 12 * SPREAD
        found += any(change.at == 8 for change in change_points.find(values))
    print(f"a step of 12 deviations after 8 points, 6 later points: found in {found / 200:.0%}")
    assert found >= scipy.stats.binom.ppf(0.001, 200, 0.95)
