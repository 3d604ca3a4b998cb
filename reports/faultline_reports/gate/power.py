"""What a gate could have seen: the smallest slowdown that both stages find with the agreed power."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from faultline_reports.gate.decision import Question, Tier, limit, steady
from faultline_reports.statistics import detectable as noise
from faultline_reports.statistics import simultaneous
from faultline_reports.statistics.thresholds import GATE_ALPHA_CONFIRM, GATE_ALPHA_NAME, POWER, RESAMPLE_SEED

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


def detectable(question: Question, used: Used) -> float | None:
    """On the question's scale; None where so few rounds can see nothing. From the noise that was measured on
    this host, or else from what the question's own differences leave around their centre."""
    values = question.noise or list(question.differences.values())
    # A steady count is named by its estimate, which is the bound at a critical value of 0.
    naming = 0.0 if steady(question) else used.critical
    needed = -noise.lower_bounds(values, used.rounds, naming)
    if question.rule.tier is not Tier.ADVICE:
        confirmed = noise.lower_bounds(values, used.confirm_rounds, CONFIRMING, RESAMPLE_SEED + 1)
        needed = np.maximum(needed, -confirmed)
    found = float(np.quantile(needed, POWER, method="higher")) + limit(question)
    return max(0.0, found) if np.isfinite(found) else None
