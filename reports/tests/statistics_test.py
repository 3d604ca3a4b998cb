"""The statistics against scipy, against what is known in closed form, and against noise they must stand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from faultline_reports.statistics import (
    random_effects,
    order,
    rank_sum,
    signed_rank,
    simultaneous,
    thresholds,
)
from faultline_reports.statistics.verdict import Arms, Scale, Verdict, judge_paired, judge_unpaired


def binomial_bounds(trials: int, share: float) -> tuple[float, float]:
    """Where a frequency lies with all but one chance in a million."""
    low, high = scipy.stats.binom.interval(1 - 1e-6, trials, share)
    return low / trials, high / trials


@pytest.mark.parametrize("samples", range(2, 9))
def test_signed_rank_distribution_is_exact(samples: int) -> None:
    sums = [
        sum(rank for rank in range(1, samples + 1) if bits >> rank & 1)
        for bits in range(0, 2 ** (samples + 1), 2)
    ]
    for order_number in range(1, samples):
        expected = np.mean([total <= order_number - 1 for total in sums])
        assert signed_rank._cumulative(samples)[order_number - 1] == pytest.approx(expected)


@pytest.mark.parametrize("samples", [6, 12, 20, 40])
def test_signed_rank_interval_holds_what_the_test_accepts(samples: int) -> None:
    values = np.random.default_rng(samples).normal(0.3, 1, samples)
    found = signed_rank.interval(list(values))
    inside, outside = (found.low + 1e-9, found.high - 1e-9), (found.low - 1e-9, found.high + 1e-9)
    for centre in inside:
        assert scipy.stats.wilcoxon(values - centre, mode="exact").pvalue > 1 - found.confidence
    for centre in outside:
        assert scipy.stats.wilcoxon(values - centre, mode="exact").pvalue <= 1 - found.confidence + 1e-12


def test_few_rounds_say_what_they_can_give() -> None:
    five = signed_rank.interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (five.low, five.high, five.confidence, five.reached) == (1.0, 5.0, 0.9375, False)
    assert signed_rank.interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).confidence == 0.96875
    one = signed_rank.interval([2.0])
    assert (one.estimate, one.low, one.high, one.confidence) == (2.0, 2.0, 2.0, 0.0)


def test_normal_approximation_meets_the_exact_distribution() -> None:
    exact = signed_rank.order_for(thresholds.EXACT_SIGNED_RANK, 0.95)[0]
    beyond = signed_rank.order_for(thresholds.EXACT_SIGNED_RANK + 1, 0.95)[0]
    assert 0 < beyond - exact < 100
    exact = rank_sum.order_for(thresholds.EXACT_RANK_SUM, thresholds.EXACT_RANK_SUM, 0.95)[0]
    beyond = rank_sum.order_for(thresholds.EXACT_RANK_SUM, thresholds.EXACT_RANK_SUM + 1, 0.95)[0]
    assert 0 < beyond - exact < 100


@pytest.mark.parametrize(("first", "second"), [(4, 4), (5, 9), (12, 8)])
def test_rank_sum_interval_holds_what_the_test_accepts(first: int, second: int) -> None:
    rng = np.random.default_rng(first)
    a, b = rng.normal(0, 1, first), rng.normal(0.5, 1, second)
    found = rank_sum.interval(list(a), list(b))
    for shift in (found.low + 1e-9, found.high - 1e-9):
        assert scipy.stats.mannwhitneyu(b - shift, a, method="exact").pvalue > 1 - found.confidence
    for shift in (found.low - 1e-9, found.high + 1e-9):
        assert scipy.stats.mannwhitneyu(b - shift, a, method="exact").pvalue <= 1 - found.confidence + 1e-12


def test_median_interval_is_the_binomial_one() -> None:
    for samples in (3, 6, 9, 20, 61):
        found = order.median_interval(list(range(samples)))
        below = scipy.stats.binom.cdf(found.low - 1 + 0, samples, 0.5) if found.low > 0 else 0.0
        assert found.confidence == pytest.approx(1 - 2 * scipy.stats.binom.cdf(found.low, samples, 0.5))
        assert found.reached is (samples >= 6) and below < 0.025


@pytest.mark.parametrize("samples", [6, 20])
@pytest.mark.parametrize("noise", ["normal", "bimodal", "heavy"])
def test_paired_intervals_cover_as_often_as_they_say(samples: int, noise: str) -> None:
    rng = np.random.default_rng(7)
    campaigns = 2000
    draws = {
        "normal": lambda: rng.normal(0, 1, samples),
        "bimodal": lambda: rng.normal(0, 0.3, samples) + rng.choice([-1, 1], samples),
        "heavy": lambda: rng.standard_t(2, samples),
    }[noise]
    found = [signed_rank.interval(list(draws() + 0.4)) for _ in range(campaigns)]
    low, high = binomial_bounds(campaigns, found[0].confidence)
    assert low <= np.mean([entry.low <= 0.4 <= entry.high for entry in found]) <= high


def test_simultaneous_intervals_cover_together() -> None:
    rng = np.random.default_rng(11)
    campaigns, rounds, comparisons = 300, 20, 12
    together = alone = 0
    for _ in range(campaigns):
        shared = rng.normal(0, 1, rounds)
        values = [{n: float(shared[n] + rng.normal(0, 1)) for n in range(rounds)} for _ in range(comparisons)]
        bounds = simultaneous.intervals(values)
        together += all(b is not None and b[0] <= 0 <= b[1] for b in bounds)
        intervals = [signed_rank.interval(list(entry.values())) for entry in values]
        alone += all(entry.low <= 0 <= entry.high for entry in intervals)
    low, _ = binomial_bounds(campaigns, 0.95)
    assert together / campaigns >= low
    assert alone / campaigns < together / campaigns - 0.1  # the reason for having them


def test_one_comparison_of_six_rounds_can_be_certain_and_of_five_cannot() -> None:
    assert simultaneous.intervals([{n: 1.0 + n / 10 for n in range(6)}])[0] == pytest.approx((1.0, 1.5))
    assert simultaneous.intervals([{n: 1.0 + n / 10 for n in range(5)}]) == [None]


def arms(base: list[float], candidate: list[float], margin: thresholds.Margin = thresholds.CPU_TIME) -> Arms:
    return Arms(dict(enumerate(base)), dict(enumerate(candidate)), margin)


def one(found: Arms) -> Verdict:
    effect = judge_paired([found])[0]
    assert effect is not None
    return effect.verdict


def test_verdicts() -> None:
    noise = list(1 + np.random.default_rng(3).normal(0, 0.01, 20))
    slow = [value * 1.1 for value in noise]
    base = list(1 + np.random.default_rng(4).normal(0, 0.01, 20))
    assert one(arms(base, slow)) is Verdict.HIGHER
    assert one(arms(slow, base)) is Verdict.LOWER
    assert one(arms(base, noise)) is Verdict.EQUIVALENT
    wild = list(np.exp(np.random.default_rng(5).normal(0, 0.3, 20)))
    assert one(arms(base, wild)) is Verdict.INCONCLUSIVE
    assert one(arms(base[:5], slow[:5])) is Verdict.INCONCLUSIVE


def test_five_rounds_that_agree_are_told_apart_from_five_that_do_not() -> None:
    effect = judge_paired([arms([1, 1, 1, 1, 1], [1.2, 1.3, 1.2, 1.25, 1.4])])[0]
    assert effect is not None and (effect.verdict, effect.unanimous) == (Verdict.INCONCLUSIVE, 1)
    effect = judge_paired([arms([1, 1, 1, 1, 1], [1.2, 1.3, 1.2, 1.25, 0.9])])[0]
    assert effect is not None and effect.unanimous == 0


def test_counts_that_differ_by_a_few_pages_are_equivalent_however_sure() -> None:
    assert one(arms([40_960.0] * 20, [45_056.0] * 20, thresholds.MEMORY)) is Verdict.EQUIVALENT
    assert one(arms([40_960_000.0] * 20, [45_056_000.0] * 20, thresholds.MEMORY)) is Verdict.HIGHER


def test_a_value_of_zero_is_compared_by_difference() -> None:
    effect = judge_paired([arms([0.0] * 8, [float(100 + n) for n in range(8)], thresholds.EVENTS)])[0]
    assert (
        effect is not None
        and effect.scale is Scale.DIFFERENCE
        and effect.shown.estimate == pytest.approx(103.5)
    )


def test_zero_variance_and_ties_give_a_verdict() -> None:
    assert one(arms([2.0] * 20, [2.0] * 20)) is Verdict.EQUIVALENT
    assert one(arms([2.0] * 20, [3.0] * 20)) is Verdict.HIGHER


def test_arms_without_a_common_round_have_no_effect() -> None:
    assert judge_paired([Arms({0: 1.0}, {1: 1.0}, thresholds.CPU_TIME)]) == [None]
    assert judge_paired([]) == []


def test_unpaired_verdicts_and_false_alarms() -> None:
    rng = np.random.default_rng(13)
    alarms = 0
    for _ in range(1000):
        effect = judge_unpaired(
            [arms(list(np.exp(rng.normal(0, 0.1, 10))), list(np.exp(rng.normal(0, 0.1, 12))))]
        )[0]
        assert effect is not None
        alarms += effect.verdict in (Verdict.HIGHER, Verdict.LOWER)
    assert alarms / 1000 <= binomial_bounds(1000, 0.05)[1]
    effect = judge_unpaired([arms([1.0, 1.01, 1.02, 0.99, 1.0, 1.01], [2.0, 2.01, 1.99, 2.02, 2.0, 2.01])])[0]
    assert effect is not None and effect.verdict is Verdict.HIGHER
    assert effect.shown.estimate == pytest.approx(math.log(2), abs=0.02)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 30])
def test_student_and_chi_square_are_scipys(freedom: int) -> None:
    for share in (0.5, 0.9, 0.975, 0.999):
        expected = scipy.stats.t.ppf(share, freedom)
        assert random_effects.student_quantile(share, freedom) == pytest.approx(expected, rel=1e-6, abs=1e-9)
    for value in (0.0, 0.1, 1.0, 5.0, 40.0):
        expected = scipy.stats.chi2.sf(value, freedom)
        assert random_effects.chi_square_beyond(value, freedom) == pytest.approx(
            expected, rel=1e-9, abs=1e-15
        )


def test_random_effects_hold_their_confidence() -> None:
    """Five hosts that differ: the interval of the average holds it, the prediction interval one more host."""
    rng = np.random.default_rng(8)
    held = predicted = 0
    for _ in range(1000):
        errors = rng.uniform(0.005, 0.03, 5)
        truths = 0.1 + rng.normal(0, 0.03, 6)
        found = random_effects.join(list(truths[:5] + rng.normal(0, errors)), list(errors))
        held += found.low <= 0.1 <= found.high
        predicted += found.predicted_low <= truths[5] <= found.predicted_high
    assert scipy.stats.binom.ppf(0.001, 1000, 0.94) <= held
    assert scipy.stats.binom.ppf(0.001, 1000, 0.92) <= predicted
