"""Gates replayed on noise: the very rules of the gate on made-up rounds, as fast as they can be computed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

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
MSTRESS = 2  # that one


def question(differences: Sequence[float], rule: Rule, base: float) -> Question:
    return Question(rule, Scale.RATIO, base, dict(enumerate(differences)))


def draw(
    model: str,
    rounds: int,
    rng: np.random.Generator,
    effect: float = 0.0,
    worse: str = CPU_TIME,
    counts_of: int = LARSON,
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
            more = effect if (worse, workload) == (key, counts_of) else 0.0
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
    return Question(DEFAULT_RULES[key], scale, float(np.median(values[:, 0])), differences)


def gate(
    model: str,
    rng: np.random.Generator,
    effect: float = 0.0,
    worse: str = CPU_TIME,
    rounds: int = GATE_ROUNDS,
    confirm_rounds: int = GATE_CONFIRM_ROUNDS,
    counts_of: int = LARSON,
) -> dict[Key, Outcome]:
    """The outcomes of one gate's questions."""

    def drawn(count: int) -> dict[Key, Question]:
        return draw(model, count, rng, effect, worse, counts_of)

    asked = drawn(rounds)
    if rounds == GATE_ROUNDS:
        for _ in range(1, GATE_MOST_ROUNDS):
            asked = _made_precise(asked, drawn(rounds))
    answers = dict(zip(asked, decision.stage_one(list(asked.values()))))
    named = [key for key, answer in answers.items() if answer.named]
    if named:
        fresh = _confirming(asked, named, drawn, confirm_rounds)
        for key, answer in zip(fresh, decision.stage_two(list(fresh.values()))):
            asked[key], answers[key] = fresh[key], answer
    if any(power.is_open(answer) for answer in answers.values()):
        same = draw(model, GATE_ROUNDS, rng)
        for key in answers.keys() & same.keys():
            if key[0] != CPU_TIME and same[key].scale is asked[key].scale:
                noise = list(same[key].differences.values())
                answers[key] = power.with_noise_told(
                    replace(asked[key], same=noise), answers[key], GATE_MOST_ROUNDS * GATE_ROUNDS
                )
    return {key: answer.outcome for key, answer in answers.items()}


def _confirming(
    asked: dict[Key, Question],
    named: Sequence[Key],
    drawn: Callable[[int], dict[Key, Question]],
    rounds: int,
) -> dict[Key, Question]:
    """Fresh rounds of what is named, as many as stage 1 had of it."""
    fresh = {key: question for key, question in drawn(rounds).items() if key in named}
    while wanting := [key for key in fresh if len(fresh[key].differences) < len(asked[key].differences)]:
        more = drawn(GATE_ROUNDS)
        for key in wanting:
            if key not in more or more[key].scale is not fresh[key].scale:
                return fresh
            fresh[key] = gate_replay.joined(fresh[key], more[key])
    return fresh


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
