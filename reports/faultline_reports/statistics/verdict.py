"""From samples of two arms to a word.

The order of the rules is the agreed one: higher or lower where the simultaneous interval excludes no
difference, equivalent where the 90 % interval lies inside the margin, else inconclusive. For counts a
difference inside the margin comes first: counts are so steady that a difference of no interest can be
certain.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from faultline_reports.statistics import rank_sum, signed_rank, simultaneous
from faultline_reports.statistics.interval import Interval
from faultline_reports.statistics.thresholds import (
    CONFIDENCE,
    EQUIVALENCE_CONFIDENCE,
    ROUNDS_TO_SPEAK,
    Margin,
)


class Verdict(enum.Enum):
    HIGHER = "higher"
    LOWER = "lower"
    EQUIVALENT = "equivalent"
    INCONCLUSIVE = "inconclusive"


class Scale(enum.Enum):
    RATIO = "ratio"  # effects are ln(candidate / base)
    DIFFERENCE = "difference"  # effects are candidate - base: where a value is 0 there is no ratio


@dataclass(frozen=True)
class Effect:
    """What a comparison showed. `shown` is the interval for one comparison alone; `together` holds for all
    comparisons that were judged together, None where the samples cannot give that."""

    scale: Scale
    shown: Interval
    together: tuple[float, float] | None
    verdict: Verdict
    unanimous: int  # +1 or -1 when every sample lies on that side of no difference, else 0
    paired: bool
    differences: Mapping[int, float] = field(default_factory=dict)  # of paired arms, by round
    critical: float = math.inf  # of the standardised statistic, for all that were judged together

    @property
    def samples(self) -> int:
        return self.shown.samples


@dataclass(frozen=True)
class Arms:
    """The samples of two arms by round, and what difference between them matters."""

    base: Mapping[int, float]
    candidate: Mapping[int, float]
    margin: Margin


def _scale(arms: Arms) -> Scale:
    values = [*arms.base.values(), *arms.candidate.values()]
    least = min(values)
    return Scale.RATIO if least > 0 and least >= arms.margin.ratio_from else Scale.DIFFERENCE


def too_small(arms: Arms) -> bool:
    """Whether both arms lie wholly below what can be compared."""
    return all(value < arms.margin.ratio_from for value in [*arms.base.values(), *arms.candidate.values()])


def paired_differences(arms: Arms) -> tuple[Scale, dict[int, float]]:
    """By round, for the rounds in which both arms have a sample; empty when there is none."""
    both = sorted(arms.base.keys() & arms.candidate.keys())
    if not both or too_small(arms):
        return Scale.RATIO, {}
    scale = _scale(Arms({n: arms.base[n] for n in both}, {n: arms.candidate[n] for n in both}, arms.margin))
    if scale is Scale.RATIO:
        return scale, {n: math.log(arms.candidate[n] / arms.base[n]) for n in both}
    return scale, {n: arms.candidate[n] - arms.base[n] for n in both}


def judge_paired(family: Sequence[Arms]) -> list[Effect | None]:
    """The effects of comparisons that are looked at together; None where no round has both arms, or both
    are too small to be compared."""
    scaled = [paired_differences(arms) for arms in family]
    critical = simultaneous.critical_value([differences for _, differences in scaled])
    together = [simultaneous.bounds(list(differences.values()), critical) for _, differences in scaled]
    effects: list[Effect | None] = []
    for arms, (scale, differences), bounds in zip(family, scaled, together):
        if not differences:
            effects.append(None)
            continue
        values = list(differences.values())
        both = {n: arms.candidate[n] - arms.base[n] for n in differences}
        narrow = signed_rank.interval(values, EQUIVALENCE_CONFIDENCE)
        absolute = signed_rank.interval(list(both.values()), EQUIVALENCE_CONFIDENCE)
        verdict = _verdict(scale, bounds, narrow, absolute, arms.margin)
        side = _side(min(values), max(values), len(values))
        shown = signed_rank.interval(values)
        effects.append(Effect(scale, shown, bounds, verdict, side, True, differences, critical))
    return effects


def judge_unpaired(family: Sequence[Arms]) -> list[Effect | None]:
    """As judge_paired() for arms that share no rounds. Together they hold by Bonferroni's inequality."""
    present = [arms for arms in family if arms.base and arms.candidate and not too_small(arms)]
    level = 1 - (1 - CONFIDENCE) / max(1, len(present))
    effects: list[Effect | None] = []
    for arms in family:
        if not arms.base or not arms.candidate or too_small(arms):
            effects.append(None)
            continue
        base, candidate = list(arms.base.values()), list(arms.candidate.values())
        absolute = rank_sum.interval(base, candidate, EQUIVALENCE_CONFIDENCE)
        scale = _scale(arms)
        if scale is Scale.RATIO:
            base, candidate = [math.log(value) for value in base], [math.log(value) for value in candidate]
        strict = rank_sum.interval(base, candidate, level)
        bounds = (strict.low, strict.high) if strict.reached else None
        narrow = rank_sum.interval(base, candidate, EQUIVALENCE_CONFIDENCE)
        verdict = _verdict(scale, bounds, narrow, absolute, arms.margin)
        side = _side(min(candidate) - max(base), max(candidate) - min(base), min(len(base), len(candidate)))
        effects.append(Effect(scale, rank_sum.interval(base, candidate), bounds, verdict, side, False))
    return effects


def _side(low: float, high: float, samples: int) -> int:
    if samples < ROUNDS_TO_SPEAK:
        return 0
    return 1 if low > 0 else -1 if high < 0 else 0


def _verdict(
    scale: Scale, together: tuple[float, float] | None, narrow: Interval, absolute: Interval, margin: Margin
) -> Verdict:
    delta = math.log1p(margin.relative)
    inside = scale is Scale.RATIO and -delta <= narrow.low and narrow.high <= delta
    negligible = -margin.absolute <= absolute.low and absolute.high <= margin.absolute
    is_count = margin.absolute > 0
    equivalent = narrow.reached and (inside or (is_count and negligible))
    if is_count and equivalent:
        return Verdict.EQUIVALENT
    if together is not None and together[0] > 0:
        return Verdict.HIGHER
    if together is not None and together[1] < 0:
        return Verdict.LOWER
    return Verdict.EQUIVALENT if equivalent else Verdict.INCONCLUSIVE
