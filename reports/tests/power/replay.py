"""Gates replayed on noise: the very rules of the gate on made-up rounds, as fast as they can be computed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import noise_models
import numpy as np
from faultline_reports import metrics
from faultline_reports.gate import decision, power, questions
from faultline_reports.gate import replay as gate_replay
from faultline_reports.gate.decision import Outcome, Question, Rule
from faultline_reports.gate.policy import DEFAULT_RULES
from faultline_reports.statistics.thresholds import GATE_CONFIRM_ROUNDS, GATE_MOST_ROUNDS, GATE_ROUNDS
from faultline_reports.statistics.verdict import Arms, Scale, too_small

Key = tuple[str, int]  # metric, workload

CPU_TIME = noise_models.CPU_TIME
TIME = DEFAULT_RULES[CPU_TIME]
COUNTS = ("peak_heap_bytes", "retained_heap_bytes", "minor_faults")
LARSON = 1  # the workload whose counts get an effect: the others hold a dozen faults, or vary by nature


def question(differences: Sequence[float], rule: Rule, base: float) -> Question:
    return Question(rule, Scale.RATIO, base, dict(enumerate(differences)))


def draw(
    model: str, rounds: int, rng: np.random.Generator, effect: float = 0.0, worse: str = CPU_TIME
) -> dict[Key, Question]:
    """What a gate asks about one A/A, or with an `effect` on the logarithm of the metric `worse` of one
    workload an A/B: CPU time of the model, and memory and faults as they were recorded. As in the gate there
    is no question of what is too small in both arms."""
    times = noise_models.TIMES[model](rounds, rng)
    asked: dict[Key, Question] = {}
    for workload in range(times.shape[1]):
        more = effect if (worse, workload) == (CPU_TIME, 0) else 0.0
        base, candidate = times[:, workload, 0], times[:, workload, 1]
        asked[CPU_TIME, workload] = question(
            list(candidate - base + more), TIME, float(np.exp(np.median(base)))
        )
    sample = "shared" if model == "recorded among others" else "quiet"
    for key in COUNTS:
        counts = noise_models.blocks(noise_models.recorded(sample, key), rounds, rng)
        for workload in range(counts.shape[1]):
            more = effect if (worse, workload) == (key, LARSON) else 0.0
            found = _counted(key, counts[:, workload], more)
            if found is not None:
                asked[key, workload] = found
    return asked


def _counted(key: str, values: noise_models.Floats, effect: float) -> Question | None:
    base = dict(enumerate(values[:, 0].tolist()))
    candidate = dict(enumerate((values[:, 1] * np.exp(effect)).tolist()))
    arms = Arms(base, candidate, metrics.by_key(key).margin)
    if too_small(arms):
        return None
    scale, differences = questions.compared(arms, DEFAULT_RULES[key])
    own = questions.with_itself(base, scale)
    return Question(DEFAULT_RULES[key], scale, float(np.median(values[:, 0])), differences, own=own)


def gate(
    model: str,
    rng: np.random.Generator,
    effect: float = 0.0,
    worse: str = CPU_TIME,
    rounds: int = GATE_ROUNDS,
    confirm_rounds: int = GATE_CONFIRM_ROUNDS,
) -> dict[Key, Outcome]:
    """The outcomes of one gate's questions."""
    asked = draw(model, rounds, rng, effect, worse)
    if rounds == GATE_ROUNDS:
        for _ in range(1, GATE_MOST_ROUNDS):
            asked = _made_precise(asked, draw(model, rounds, rng, effect, worse))
    answers = dict(zip(asked, decision.stage_one(list(asked.values()))))
    fresh = draw(model, confirm_rounds, rng, effect, worse) if any(a.named for a in answers.values()) else {}
    named = [key for key, answer in answers.items() if answer.named and key in fresh]
    for key, answer in zip(named, decision.stage_two([fresh[key] for key in named])):
        asked[key], answers[key] = fresh[key], answer
    return {
        key: power.with_noise_told(asked[key], answer, max(GATE_ROUNDS, len(asked[key].differences))).outcome
        for key, answer in answers.items()
    }


def _made_precise(asked: dict[Key, Question], more: dict[Key, Question]) -> dict[Key, Question]:
    """With the rounds of `more` for each workload of which something is not precise."""
    wide = {workload for (_, workload), question in asked.items() if decision.imprecise(question)}
    return {
        key: gate_replay.joined(question, more[key])
        if key[1] in wide and key in more and more[key].scale is question.scale
        else question
        for key, question in asked.items()
    }


def failed(outcomes: Collection[Outcome]) -> bool:
    return Outcome.REGRESSION in outcomes
