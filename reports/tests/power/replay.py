"""Gates replayed on noise: the very rules of the gate on made-up rounds, as fast as they can be computed."""

from __future__ import annotations

from collections.abc import Sequence

import noise_models
import numpy as np
from faultline_reports.gate import decision
from faultline_reports.gate.decision import Outcome, Question, Rule
from faultline_reports.gate.policy import DEFAULT_RULES
from faultline_reports.statistics.thresholds import GATE_CONFIRM_ROUNDS, GATE_ROUNDS
from faultline_reports.statistics.verdict import Scale

TIME = DEFAULT_RULES["cpu_ns_per_operation"]
COUNTS = {"peak_bytes": DEFAULT_RULES["peak_heap_bytes"], "faults": DEFAULT_RULES["minor_faults"]}


def question(differences: Sequence[float], rule: Rule, base: float) -> Question:
    return Question(rule, Scale.RATIO, base, dict(enumerate(differences)))


def draw(
    model: str, rounds: int, rng: np.random.Generator, effect: float = 0.0, count_effect: float = 0.0
) -> list[Question]:
    """What a gate asks about one A/A (or, with an effect on the logarithms of the first workload, an A/B):
    CPU time of the model, and memory and faults as they were recorded."""
    times = noise_models.TIMES[model](rounds, rng)
    asked = [
        _asked(times, workload, TIME, effect if workload == 0 else 0.0) for workload in range(times.shape[1])
    ]
    sample = "shared" if model == "recorded among others" else "quiet"
    for figure, rule in COUNTS.items():
        counts = noise_models.blocks(noise_models.recorded(sample, figure), rounds, rng)
        for workload in range(counts.shape[1]):
            asked.append(_asked(counts, workload, rule, count_effect if workload == LARSON else 0.0))
    return asked


LARSON = 1  # the workload whose counts get an effect: the others hold a dozen faults, or vary by nature


def _asked(values: noise_models.Floats, workload: int, rule: Rule, effect: float) -> Question:
    base, candidate = values[:, workload, 0], values[:, workload, 1]
    return question(list(candidate - base + effect), rule, float(np.exp(np.median(base))))


def gate(
    model: str,
    rng: np.random.Generator,
    effect: float = 0.0,
    count_effect: float = 0.0,
    rounds: int = GATE_ROUNDS,
    confirm_rounds: int = GATE_CONFIRM_ROUNDS,
) -> list[Outcome]:
    """The outcomes of one gate's questions."""
    first = decision.stage_one(draw(model, rounds, rng, effect, count_effect))
    named = [index for index, answer in enumerate(first) if answer.named]
    outcomes = [answer.outcome for answer in first]
    if named:
        fresh = draw(model, confirm_rounds, rng, effect, count_effect)
        for index, answer in zip(named, decision.stage_two([fresh[index] for index in named])):
            outcomes[index] = answer.outcome
    return outcomes


def failed(outcomes: Sequence[Outcome]) -> bool:
    return Outcome.REGRESSION in outcomes
