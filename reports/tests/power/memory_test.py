"""An A/B of two arms that are the same, on memory that has modes: how often does it call one heap larger?

noise/modes.csv has workloads of several threads on glibc, whose heap depends on which arenas the threads of a
process happen to get: xmalloc-test1 takes 22 or 35 MiB. By size or by the mean of few rounds two such arms
differ a lot; the paired test must not say so more often than it promises, with as few rounds as a short
budget leaves, too.
"""

from __future__ import annotations

import math

import noise_models
import numpy as np
import pytest
from faultline_reports import metrics
from faultline_reports.statistics.thresholds import AB_ROUNDS, CONFIDENCE
from faultline_reports.statistics.verdict import Arms, Verdict, judge_paired

CAMPAIGNS = 2_000
KEYS = ("cpu_ns_per_operation", "peak_heap_bytes", "retained_heap_bytes", "minor_faults")
LARGE = 0.05


@pytest.mark.parametrize("rounds", [6, 8, 12, AB_ROUNDS])
def test_modes_of_memory_are_not_told_for_a_difference(rounds: int) -> None:
    rng = np.random.default_rng(11)
    noise = {key: noise_models.recorded("modes", key) for key in KEYS}
    workloads = noise[KEYS[0]].shape[1]
    any_told, heap_told, large, seen = 0, 0, 0, 0
    for campaign in range(CAMPAIGNS):
        family, keys = [], []
        # Rounds without repetition: two blocks of so few recorded ones would often be the same.
        places = rng.permutation(len(noise[KEYS[0]]))[:rounds]
        swapped = rng.integers(0, 2, size=rounds).astype(bool)
        for key in KEYS:
            drawn = noise_models.at(noise[key], places, swapped)[:, campaign % workloads]
            base, candidate = (dict(enumerate(drawn[:, arm].tolist())) for arm in (0, 1))
            family.append(Arms(base, candidate, metrics.by_key(key).margin))
            keys.append(key)
        effects = dict(zip(keys, judge_paired(family)))
        told = {k for k, e in effects.items() if e and e.verdict in (Verdict.HIGHER, Verdict.LOWER)}
        heap = told & {"peak_heap_bytes", "retained_heap_bytes"}
        peak = effects["peak_heap_bytes"]
        seen += peak is not None and abs(peak.shown.estimate) > LARGE
        any_told += bool(told)
        heap_told += bool(heap)
        large += any(abs(e.shown.estimate) > LARGE for k in heap if (e := effects[k]) is not None)
    print(
        f"{rounds:3} rounds: any metric told apart {any_told / CAMPAIGNS:5.2%}, a heap "
        f"{heap_told / CAMPAIGNS:5.2%}, by more than {LARGE:.0%} {large / CAMPAIGNS:5.2%}; "
        f"peak estimated that far off {seen / CAMPAIGNS:5.1%}"
    )
    promised = 1 - CONFIDENCE
    assert any_told / CAMPAIGNS <= promised + 3 * math.sqrt(promised * (1 - promised) / CAMPAIGNS)
