"""How others decide that a change is slower, each in a few lines from its own source.

Each takes the values of one workload, of runs made one after another: first all of the base, then all of the
candidate, as these tools run them; and says whether it would report the candidate.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.stats
from noise_models import Floats


def compare_py(base: Floats, candidate: Floats) -> bool:
    """Google Benchmark, tools/gbench/report.py: a two-sided Mann-Whitney U test of the repetitions at
    alpha 0.05 (`compare.py -u`), every benchmark by itself; slower where the mean is."""
    p = scipy.stats.mannwhitneyu(base, candidate, alternative="two-sided").pvalue
    return bool(p < 0.05 and candidate.mean() > base.mean())


def asv(base: Floats, candidate: Floats) -> bool:
    """airspeed velocity, commands/compare.py and statistics.py: `asv continuous` reports a median more than
    1.1 times as long (`--factor`), where a Mann-Whitney U test gives p < 0.002 (is_different)."""
    p = scipy.stats.mannwhitneyu(base, candidate, alternative="two-sided").pvalue
    return bool(np.median(candidate) > 1.1 * np.median(base) and p < 0.002)


def ten_percent_once(base: Floats, candidate: Floats) -> bool:
    """One run of each, more than 10 % apart."""
    return bool(candidate[0] > 1.1 * base[-1])


def otava(base: Floats, candidate: Floats) -> bool:
    """Apache Otava (Hunter; Fleming and others, "Hunter: Using Change Point Detection to Hunt for Performance
    Regressions", 2023): E-divisive finds where the series of both changes most, and Welch's t-test decides at
    p < 0.001 (--max-pvalue). Reported against the commit when the place is within three runs of it."""
    series = np.concatenate((base, candidate))
    place = _divisive(series)
    p = scipy.stats.ttest_ind(series[:place], series[place:], equal_var=False).pvalue
    higher = series[place:].mean() > series[:place].mean()
    return bool(p < 0.001 and higher and abs(place - len(base)) <= 3)


def _divisive(series: Floats) -> int:
    """The split with the largest divergence. Matteson and James 2014, equation 5, with alpha 1."""
    distance = np.abs(series[:, None] - series[None, :])
    count = len(series)
    best, place = -math.inf, 0
    for split in range(5, count - 5):
        before, after = split, count - split
        between = distance[:split, split:].mean()
        first = distance[:split, :split].sum() / (before * (before - 1))
        second = distance[split:, split:].sum() / (after * (after - 1))
        divergence = before * after / count * (2 * between - first - second)
        if divergence > best:
            best, place = divergence, split
    return place


RULES = {
    "compare.py (U test, p < 0.05)": compare_py,
    "asv (factor 1.1, p < 0.002)": asv,
    "10 % in one run": ten_percent_once,
    "Otava (change point, p < 0.001)": otava,
}
