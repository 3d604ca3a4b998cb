"""Gates replayed on this host's own A/A rounds: how often would one fail in which nothing changed?

Rounds are drawn in blocks of neighbours, all their figures together, and the arms of a block exchanged at
random: they are the same allocator, so that either order could have been seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from faultline_reports.gate import decision
from faultline_reports.gate.decision import Outcome, Question
from faultline_reports.statistics.thresholds import (
    GATE_CONFIRM_ROUNDS,
    GATE_MOST_ROUNDS,
    GATE_ROUNDS,
    NOISE_BLOCK,
    RESAMPLE_SEED,
)


def failures(questions: Sequence[Question], gates: int) -> int:
    """How many of `gates` replayed gates fail. The questions' differences are of arms that are the same."""
    rounds = sorted(set().union(*(question.differences for question in questions)))
    if not rounds:
        return 0
    generator = np.random.default_rng(RESAMPLE_SEED)
    failed = 0
    for _ in range(gates):
        first = _drawn(questions, rounds, GATE_ROUNDS, generator)
        for _ in range(1, GATE_MOST_ROUNDS):
            wide = [decision.imprecise(question) for question in first]
            if not any(wide):
                break
            more = _drawn(questions, rounds, GATE_ROUNDS, generator)
            first = [
                joined(one, other) if imprecise else one for one, other, imprecise in zip(first, more, wide)
            ]
        named = [index for index, answer in enumerate(decision.stage_one(first)) if answer.named]
        if named:
            fresh = _drawn(questions, rounds, GATE_CONFIRM_ROUNDS, generator)
            answers = decision.stage_two([fresh[index] for index in named])
            failed += any(answer.outcome is Outcome.REGRESSION for answer in answers)
    return failed


def joined(one: Question, other: Question) -> Question:
    """The rounds of `one`, and after them as many again from `other`."""
    after = GATE_ROUNDS * (1 + max(one.differences, default=-1) // GATE_ROUNDS)
    later = {number + after: value for number, value in other.differences.items()}
    return replace(one, differences={**one.differences, **later})


def _drawn(
    questions: Sequence[Question], rounds: Sequence[int], count: int, generator: np.random.Generator
) -> list[Question]:
    blocks = math.ceil(count / NOISE_BLOCK)
    starts = generator.integers(0, len(rounds), size=blocks)
    signs = np.repeat(generator.choice([-1.0, 1.0], size=blocks), NOISE_BLOCK)[:count]
    places = (starts[:, None] + np.arange(NOISE_BLOCK)).ravel()[:count] % len(rounds)
    drawn = []
    for question in questions:
        found = {
            number: float(sign) * question.differences[rounds[place]]
            for number, (place, sign) in enumerate(zip(places, signs))
            if rounds[place] in question.differences
        }
        drawn.append(replace(question, differences=found, noise=tuple(question.differences.values())))
    return drawn
