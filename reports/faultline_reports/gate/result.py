"""What the gate found, as every form of output takes it."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass

from faultline_reports import formatting
from faultline_reports.gate.decision import Answer, Outcome, Question
from faultline_reports.metrics import Metric
from faultline_reports.statistics.verdict import Scale


NO_TIME = "no time was left"  # what the note of a row begins with that was not measured because of that


class Verdict(enum.IntEnum):
    """The gate's word, the same in every form of output; the number is its exit status."""

    PASS = 0
    REGRESSION = 1
    INCONCLUSIVE = 2
    COULD_NOT_TELL = 3

    @property
    def words(self) -> str:
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True)
class Row:
    workload: str
    metric: Metric
    question: Question
    candidate: float
    answer: Answer
    note: str
    detectable: float | None  # on the question's scale

    @property
    def outcome(self) -> Outcome:
        return self.answer.outcome

    def base_words(self) -> str:
        return self._quantity(self.question.base)

    def candidate_words(self) -> str:
        return self._quantity(self.candidate)

    def _quantity(self, value: float) -> str:
        if self.outcome in (Outcome.NOT_MEASURED, Outcome.BROKEN) or math.isnan(value):
            return "-"
        return formatting.quantity(value, self.metric.unit)

    def change(self, value: float | None) -> str:
        """A value of the question's scale as people read it."""
        if value is None or math.isnan(value):
            return "-"
        if math.isinf(value):
            return "?"
        return formatting.effect_value(value, self.question.scale, self.metric.unit)

    def interval(self) -> str:
        low, high = self.change(self.answer.low), self.change(self.answer.high)
        if low == high or low == "-":
            return low
        if self.question.scale is Scale.RATIO and low.endswith(" %") and high.endswith(" %"):
            low = low.removesuffix(" %")
        return f"{low} to {high}"

    def cells(self) -> list[str]:
        """Base, candidate, difference, interval, limit and what could have been seen, for a table."""
        return [
            self.base_words(),
            self.candidate_words(),
            self.change(self.answer.estimate),
            self.interval(),
            self.change(self.answer.limit),
            self.change(self.detectable),
        ]

    def sentence(self) -> str:
        """ "larson2: CPU time +12 % (+10 to +14 %), more than 3 %"."""
        if math.isnan(self.answer.estimate):
            return f"{self.workload}: {self.metric.short}: {self.note or self.outcome.value}"
        return (
            f"{self.workload}: {self.metric.short} {self.change(self.answer.estimate)} ({self.interval()}), "
            f"limit {self.change(self.answer.limit)}" + (f"; {self.note}" if self.note else "")
        )


@dataclass(frozen=True)
class Result:
    verdict: Verdict
    base: str
    candidate: str
    policy: str
    rows: Sequence[Row]
    rounds: int
    confirm_rounds: int
    seconds: float
    budget_s: float | None  # None: on stored documents
    reasons: Sequence[str]  # why it is not a plain pass, most important first
    notes: Sequence[str]  # of the host, the calibration, expired allowances
    false_alarms: str  # the host's measured rate in words
    too_short: bool = False  # the budget, so that the rows are of a round or two

    def of(self, *outcomes: Outcome) -> list[Row]:
        return [row for row in self.rows if row.outcome in outcomes]

    def head(self) -> str:
        return f"{self.verdict.words.upper()}: {self.candidate} against {self.base}"

    def counts(self) -> str:
        """ "52 pass, 2 fail"."""
        found = [row.outcome.value for row in self.rows]
        order = [outcome.value for outcome in Outcome]
        return ", ".join(f"{found.count(word)} {word}" for word in order if word in found)
