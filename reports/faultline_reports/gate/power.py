"""What a gate could have seen: the smallest slowdown that both stages find with the agreed power."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from faultline_reports.gate.decision import (
    TOO_FEW,
    TOO_NOISY,
    Answer,
    Outcome,
    Question,
    Tier,
    limit,
    pass_bound,
    steady,
)
from faultline_reports.statistics import detectable as noise
from faultline_reports.statistics import simultaneous
from faultline_reports.statistics.signed_rank import Floats
from faultline_reports.statistics.thresholds import (
    GATE_ALPHA_CONFIRM,
    GATE_ALPHA_NAME,
    GATE_OPEN_SHARE,
    GATE_PASS_CONFIDENCE,
    POWER,
    RESAMPLE_SEED,
)

BOUNDING = NormalDist().inv_cdf(GATE_PASS_CONFIDENCE)
# Of one candidate: with several, stage 2 asks for a little more.
CONFIRMING = NormalDist().inv_cdf(1 - GATE_ALPHA_CONFIRM)


@dataclass(frozen=True)
class Used:
    """The rounds of both stages, and stage 1's critical value."""

    rounds: int
    confirm_rounds: int
    critical: float


def critical(questions: Sequence[Question]) -> float:
    """Of stage 1's test by rank over all that is asked there."""
    tested = [q for q in questions if q.gates and not steady(q) and q.differences]
    return simultaneous.one_sided_critical(
        [q.differences for q in tested], [limit(q) for q in tested], GATE_ALPHA_NAME
    )


def too_noisy(question: Question, rounds: int) -> bool:
    """Would the row be inconclusive often with nothing changed? Told from arms that are the same, stored or
    run in this gate: what a candidate does to its own noise must not take it out of the gate."""
    known = question.noise or question.same
    if not known or not question.gates:
        return False
    bounds = -noise.lower_bounds(known, rounds, BOUNDING)
    return float(np.mean(bounds > pass_bound(question))) > GATE_OPEN_SHARE


def is_open(answer: Answer) -> bool:
    """Whether it is inconclusive by nothing but the width of its interval."""
    return answer.outcome is Outcome.INCONCLUSIVE and answer.why == TOO_FEW and not answer.named


def with_noise_told(question: Question, answer: Answer, rounds: int) -> Answer:
    """TOO_NOISY in place of an answer that is open because of nothing but noise that the base has, too, and
    that `rounds` rounds, the most there could be, would leave open. What was named has more against it."""
    if not is_open(answer) or not too_noisy(question, rounds):
        return answer
    return replace(answer, outcome=Outcome.TOO_NOISY, why=TOO_NOISY)


def needed(question: Question, used: Used) -> Floats:
    """For each resample of the noise the increase, on the question's scale, that both stages would have found
    in it. The noise is what was measured on this host, or else what the question's own differences leave
    around their centre."""
    values = question.noise or list(question.differences.values())
    # A steady count is named by its estimate, which is the bound at a critical value of 0.
    naming = 0.0 if steady(question) else used.critical
    excess = -noise.lower_bounds(values, used.rounds, naming)
    if question.rule.tier is not Tier.ADVICE:
        confirmed = noise.lower_bounds(values, used.confirm_rounds, CONFIRMING, RESAMPLE_SEED + 1)
        excess = np.maximum(excess, -confirmed)
    increase: Floats = excess + limit(question)
    return increase


def detectable(question: Question, used: Used) -> float | None:
    """The smallest increase that is found with the agreed power; None where so few rounds can find none."""
    found = float(np.quantile(needed(question, used), POWER, method="higher"))
    return max(0.0, found) if np.isfinite(found) else None
