"""Change points: each method against its definition, and both together on series with known steps."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from faultline_reports.statistics import change_points, energy, potts
from faultline_reports.statistics.false_discovery import largest_accepted
from faultline_reports.statistics.thresholds import CHANGE_P


def noise(count: int, seed: int, scale: float = 0.0095) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, scale, count)


def stepped(before: int, after: int, size: float, seed: int = 1) -> np.ndarray:
    values = noise(before + after, seed)
    values[before:] += size
    return values


def energy_by_definition(left: np.ndarray, right: np.ndarray) -> float:
    def mean(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.abs(np.subtract.outer(a, b)).mean())

    distance = 2 * mean(left, right) - mean(left, left) - mean(right, right)
    return len(left) * len(right) / (len(left) + len(right)) * distance


@pytest.mark.parametrize("seed", range(5))
def test_the_energy_statistic_is_its_definition(seed: int) -> None:
    values = np.round(noise(23, seed, 1.0), 1)  # with ties
    found = energy.best_split(values, 4)
    assert found is not None
    by_split = {at: energy_by_definition(values[:at], values[at:]) for at in range(4, 20)}
    assert found.statistic == pytest.approx(max(by_split.values()), rel=1e-4)
    assert by_split[found.at] == pytest.approx(max(by_split.values()), rel=1e-4)


def test_p_values_without_a_change_are_uniform() -> None:
    rng = np.random.default_rng(3)
    found = [energy.best_split(rng.standard_t(3, 40), 4) for _ in range(1000)]
    p_values = np.array([split.p for split in found if split is not None])
    for level in (0.5, 0.1, 0.05):
        assert abs((p_values <= level).mean() - level) < 4 * math.sqrt(level * (1 - level) / 1000)
    assert (p_values < CHANGE_P).sum() <= 5


def test_p_values_are_not_below_what_all_orders_could_give() -> None:
    split = energy.best_split([*np.linspace(0, 0.1, 20), 9.0, 9.1, 9.2, 9.3], 4)
    assert split is not None and split.at == 20
    assert 1 / math.comb(24, 4) <= split.p < CHANGE_P


def test_too_few_points_or_none_that_differ_have_no_split() -> None:
    assert energy.best_split([1.0] * 30, 4) is None
    assert energy.best_split([1.0, 2.0] * 3, 4) is None


def cost_by_definition(values: np.ndarray, places: tuple[int, ...], penalty: float) -> float:
    parts = np.split(values, places)
    return sum(float(np.abs(part - np.median(part)).sum()) for part in parts) + penalty * len(places)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("penalty", [0.0, 0.5, 3.0])
def test_potts_finds_the_best_of_all_segmentations(seed: int, penalty: float) -> None:
    values = np.round(noise(13, seed, 1.0), 1)
    all_of_them = [
        places
        for count in range(4)
        for places in itertools.combinations(range(3, 11), count)
        if all(b - a >= 3 for a, b in zip((0, *places), (*places, 13)))
    ]
    best = min(cost_by_definition(values, places, penalty) for places in all_of_them)
    found = tuple(potts.jumps(values, penalty, 3))
    assert cost_by_definition(values, found, penalty) == pytest.approx(best)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_potts_of_few_points(count: int) -> None:
    assert potts.jumps(noise(count, 1), 0.0, 3) == []


@pytest.mark.parametrize(("before", "after"), [(40, 20), (20, 40), (40, 4), (1000, 30), (3000, 3000)])
def test_a_step_is_found_where_it_is(before: int, after: int) -> None:
    changes = change_points.find(stepped(before, after, 0.08))
    assert [change.at for change in changes] == [before]
    size = changes[0].size
    assert size.low <= 0.08 <= size.high and size.estimate == pytest.approx(0.08, abs=0.015)


def test_a_large_step_is_found_though_few_points_seem_alike_by_chance() -> None:
    rng = np.random.default_rng(5)
    for _ in range(40):
        noise = rng.normal(0, 0.01, 14) * np.repeat(
            [1.0, 2.5], (8, 6)
        )  # as wide as in a night's ratio of 2.4
        found = change_points.find(np.repeat([0.0, 0.85], (8, 6)) + noise)
        assert [change.at for change in found] == [8]


def test_steps_up_and_down_are_found_apart() -> None:
    values = noise(2000, 2)
    values[500:520] += 0.1
    values[1200:] -= 0.05
    assert [change.at for change in change_points.find(values)] == [500, 520, 1200]


def test_a_step_needs_four_later_points() -> None:
    assert change_points.find(stepped(40, 3, 0.5)) == []
    assert len(change_points.find(stepped(40, 4, 0.5))) == 1


def test_what_is_below_one_percent_is_none() -> None:
    assert change_points.find(stepped(200, 200, 0.008, 3) * 1.0) == []
    quiet = np.zeros(100)
    quiet[50:] = 0.009
    assert change_points.find(quiet) == []
    quiet[50:] = 0.011
    assert [change.at for change in change_points.find(quiet)] == [50]


def test_single_wild_points_are_none() -> None:
    values = noise(300, 5)
    values[[30, 90, 91, 200]] += 0.5
    assert change_points.find(values) == []


def test_values_that_do_not_vary_have_none() -> None:
    assert change_points.find(np.zeros(500)) == []
    assert change_points.find([]) == [] and change_points.find([1.0]) == []


@pytest.mark.parametrize(
    ("p_values", "tests", "bound"),
    [
        ([], 5, 0.0),
        ([0.04], 1, 0.04),
        ([0.04], 2, 0.0),
        ([0.001, 0.02, 0.9], 4, 0.02),
        ([0.02, 0.03], 4, 0.0),
    ],
)
def test_false_discoveries_are_held_by_benjamini_and_hochberg(
    p_values: list[float], tests: int, bound: float
) -> None:
    assert largest_accepted(p_values, tests, 0.05) == bound


def test_the_newest_point_is_judged_by_those_before_it() -> None:
    values = noise(30, 6)
    assert change_points.newest(values) is None
    values[-1] += 0.1
    away = change_points.newest(values)
    assert away is not None and away > 4
    values[-1] -= 0.2
    away = change_points.newest(values)
    assert away is not None and away < -4
    assert change_points.newest(values[-5:]) is None
    assert change_points.newest([0.0] * 20) is None
    assert change_points.newest([0.0] * 20 + [0.02]) is not None
