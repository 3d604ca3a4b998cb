"""Intervals of an A/B that adds rounds until it is precise enough: do they hold the truth 95 times in 100?"""

from __future__ import annotations

import math

import noise_models
import numpy as np
import pytest
from faultline_reports.ab.precision import next_look
from faultline_reports.statistics import signed_rank, simultaneous
from faultline_reports.statistics.thresholds import AB_HALF_WIDTH, AB_MOST_ROUNDS

CAMPAIGNS = 1_500


def stopped_at(differences: noise_models.Floats) -> int:
    """After how many rounds the A/B's rule ends: by the same looks and the same width."""
    rounds = next_look(0)
    while rounds < AB_MOST_ROUNDS:
        widths = [signed_rank.interval(column).half_width for column in differences[:rounds].T]
        if max(widths) <= math.log1p(AB_HALF_WIDTH):
            break
        rounds = next_look(rounds)
    return rounds


@pytest.mark.parametrize("model", noise_models.TIMES)
def test_intervals_hold_the_truth_as_often_as_promised(model: str) -> None:
    rng = np.random.default_rng(20)
    truth = 0.04
    alone, together, rounds = [], [], []
    for _ in range(CAMPAIGNS):
        values = noise_models.TIMES[model](AB_MOST_ROUNDS, rng)
        differences = values[..., 1] - values[..., 0] + truth
        used = stopped_at(differences)
        rounds.append(used)
        for column in differences[:used].T:
            found = signed_rank.interval(column)
            alone.append(found.low <= truth <= found.high)
        if len(together) < 300:
            columns = [dict(enumerate(column)) for column in differences[:used].T]
            bounds = simultaneous.intervals(columns)
            together.append(all(b is not None and b[0] <= truth <= b[1] for b in bounds))
    share = float(np.mean(alone))
    print(f"{model:24} {share:.4f} alone, {np.mean(together):.3f} all four, {np.mean(rounds):.1f} rounds")
    error = 3 * math.sqrt(0.05 * 0.95 / CAMPAIGNS / values.shape[1])
    assert 0.94 - error <= share <= 0.96 + error
    assert np.mean(together) >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / len(together))
