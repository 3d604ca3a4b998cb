"""The rules of the gate, from paired differences to words. Pure: no documents, no clocks.

Stage 1 looks at everything and names candidates. What is timed (and counts that are not steady) by a
one-sided signed-rank test of "slower by more than the limit", with the signs of a round flipped jointly for
all of them (max-T), at 5 %: steady counts by their size alone. Stage 2 looks at fresh rounds of the
candidates and alone can fail the gate, by the same test at 1 % over all candidates together. So a false
failure needs two independent false alarms, the second with at most 1 % for the whole gate.

Not to be named is not enough to pass: the one-sided 95 % upper bound must be at 10 % or below. Otherwise the
rounds could not have told, and the row is inconclusive. A count that stage 1 does not name and that would
often be open with nothing changed (power.too_noisy, by rounds of the base against itself) is too noisy:
another run would not help, and it leaves the verdict to the others.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from faultline_reports.statistics import signed_rank, simultaneous
from faultline_reports.statistics.thresholds import (
    GATE_ALPHA_CONFIRM,
    GATE_ALPHA_NAME,
    GATE_PASS_BOUND,
    GATE_PASS_CONFIDENCE,
    MADS_OF_TOLERANCE,
    STEADY_MAD,
)
from faultline_reports.statistics.verdict import Scale


NOT_CONFIRMED = "not confirmed"
TOO_FEW = "could be worse by more than the rounds can tell"
TOO_FEW_ROUNDS = f"{TOO_FEW} that there was time to count"
TOO_NOISY = "varies by more than the rounds can tell with nothing changed, too"


class Tier(enum.Enum):
    COUNT = "count"  # gates; by size when steady, else by rank
    TIME = "time"  # gates, by rank
    ADVICE = "advice"  # is shown, never fails
    OFF = "off"


class Outcome(enum.Enum):
    """A row's word, the same in every form of output; ci/GATE.md has the table."""

    PASS = "pass"
    REGRESSION = "regression"
    INCONCLUSIVE = "inconclusive"
    ALLOWED = "allowed"  # would fail, but the policy says why it may
    ADVICE = "advice"  # beyond its limit where that is only told
    TOO_NOISY = "too noisy"  # would be inconclusive with nothing changed, too
    NOT_MEASURED = "not measured"
    BROKEN = "could not tell"  # the base did not run


@dataclass(frozen=True)
class Rule:
    """What of a metric matters: an increase by more than `relative` and, for counts, than `absolute`."""

    tier: Tier
    relative: float
    absolute: float = 0.0


@dataclass(frozen=True)
class Question:
    """Is the candidate's centre above the base's by more than the limit? `differences` by round, on
    `scale`."""

    rule: Rule
    scale: Scale
    base: float  # median
    differences: Mapping[int, float]
    noise: Sequence[float] = ()  # differences of arms that are the same, measured before; () when none were
    same: Sequence[float] = ()  # of the base with itself, in rounds of this gate's own; () when not measured

    @property
    def gates(self) -> bool:
        return self.rule.tier in (Tier.COUNT, Tier.TIME)


@dataclass(frozen=True)
class Answer:
    outcome: Outcome
    limit: float  # on the question's scale
    estimate: float
    low: float  # the 90 % interval: its upper end is the one-sided 95 % bound
    high: float
    rounds: int
    named: bool = False
    p: float | None = None  # adjusted, of the stage that decided; None where size decides
    why: str = ""


def spread(question: Question) -> float:
    """The median absolute deviation of the noise: measured, or what this question's own differences leave."""
    values = np.asarray(question.noise or list(question.differences.values()), dtype=np.float64)
    return float(np.median(np.abs(values - np.median(values)))) if len(values) else 0.0


def _absolute(question: Question) -> float:
    """The rule's absolute amount on the question's scale."""
    if question.scale is Scale.DIFFERENCE:
        return question.rule.absolute
    return math.log1p(question.rule.absolute / question.base) if question.rule.absolute else 0.0


def steady(question: Question) -> bool:
    if question.rule.tier is not Tier.COUNT:
        return False
    share = STEADY_MAD if question.scale is Scale.RATIO else STEADY_MAD * question.base
    return spread(question) <= max(share, _absolute(question) / MADS_OF_TOLERANCE)


def limit(question: Question) -> float:
    """What the centre may be above 0. A steady count's tolerance is never below its own noise."""
    relative = question.rule.relative
    share = math.log1p(relative) if question.scale is Scale.RATIO else relative * question.base
    noise = MADS_OF_TOLERANCE * spread(question) if steady(question) else 0.0
    return max(share, _absolute(question), noise)


def stage_one(questions: Sequence[Question]) -> list[Answer]:
    """Every question answered from the first rounds. A named one that gates is INCONCLUSIVE until
    confirmed."""
    limits = [limit(question) for question in questions]
    by_rank = [question.gates and not steady(question) for question in questions]
    advice = [question.rule.tier is Tier.ADVICE for question in questions]
    p_values = _tested(questions, limits, by_rank)
    p_advice = _tested(questions, limits, advice)
    answers = []
    for question, bound, p, told in zip(questions, limits, p_values, p_advice):
        answer = _seen(question, bound)
        if answer.outcome is Outcome.NOT_MEASURED:
            answers.append(answer)
        elif told is not None:
            outcome = Outcome.ADVICE if told <= GATE_ALPHA_NAME else Outcome.PASS
            answers.append(replace(answer, outcome=outcome, p=told))
        elif p is not None and p <= GATE_ALPHA_NAME or p is None and answer.estimate > bound:
            answers.append(replace(answer, outcome=Outcome.INCONCLUSIVE, named=True, p=p, why=NOT_CONFIRMED))
        else:
            answers.append(replace(_passed(question, answer), p=p))
    return answers


def stage_two(questions: Sequence[Question]) -> list[Answer]:
    """The candidates answered from fresh rounds; `questions` hold those rounds and nothing of stage 1."""
    limits = [limit(question) for question in questions]
    answers = []
    for question, bound, p in zip(questions, limits, _tested(questions, limits, [True] * len(questions))):
        answer = _seen(question, bound)
        if answer.outcome is Outcome.NOT_MEASURED or p is None:
            answers.append(replace(answer, outcome=Outcome.INCONCLUSIVE, named=True, why="no fresh rounds"))
        elif p <= GATE_ALPHA_CONFIRM:
            answers.append(replace(answer, outcome=Outcome.REGRESSION, named=True, p=p))
        else:
            answers.append(replace(_passed(question, answer), named=True, p=p))
    return answers


def _tested(
    questions: Sequence[Question], limits: Sequence[float], asked: Sequence[bool]
) -> list[float | None]:
    """Adjusted p-values of those that are `asked`, which are tested together; None for the others."""
    chosen = [n for n, question in enumerate(questions) if asked[n] and question.differences]
    found = simultaneous.exceed([questions[n].differences for n in chosen], [limits[n] for n in chosen])
    result: list[float | None] = [None] * len(questions)
    for n, p in zip(chosen, found):
        result[n] = p
    return result


def _seen(question: Question, bound: float) -> Answer:
    if not question.differences:
        return Answer(Outcome.NOT_MEASURED, bound, math.nan, math.nan, math.nan, 0)
    values = list(question.differences.values())
    shown = signed_rank.interval(values, 2 * GATE_PASS_CONFIDENCE - 1)
    high = shown.high if shown.reached else math.inf
    low = shown.low if shown.reached else -math.inf
    return Answer(Outcome.PASS, bound, shown.estimate, low, high, len(values))


def pass_bound(question: Question) -> float:
    """What the upper bound may be at most, on the question's scale."""
    ratio = question.scale is Scale.RATIO
    return max(math.log1p(GATE_PASS_BOUND) if ratio else GATE_PASS_BOUND * question.base, limit(question))


def imprecise(question: Question) -> bool:
    """Whether a row that gates asks for more rounds: half its interval is more than half of what its upper
    bound may be. By how precise it is, and never by which way it went. Where noise is symmetric no rate of
    error depends on that; where it is skewed the upper bound of a pass is too low in 8 to 10 % of gates
    instead of 5 (simulated), and failing still takes fresh rounds."""
    if not question.gates or not question.differences:
        return False
    found = signed_rank.interval(list(question.differences.values()), 2 * GATE_PASS_CONFIDENCE - 1)
    return not found.reached or (found.high - found.low) / 2 > pass_bound(question) / 2


def _passed(question: Question, answer: Answer) -> Answer:
    """PASS where the upper bound is low enough, else INCONCLUSIVE."""
    if answer.high <= pass_bound(question):
        return answer
    return replace(answer, outcome=Outcome.INCONCLUSIVE, why=TOO_FEW)
