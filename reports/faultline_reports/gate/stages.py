"""The gate's two stages over rounds, measured or stored, and what follows from them.

A `Source` gives the rounds of a stage; the rules are decision.py's. How many rounds a stage gets depends on
the time that is left and on nothing that was seen, so no rate of error depends on it.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from faultline_reports import calibration, formatting
from faultline_reports.gate import decision, power
from faultline_reports.gate.decision import Answer, Outcome, Tier
from faultline_reports.gate.policy import Policy
from faultline_reports.gate.questions import Asked, ask, invalid, measured
from faultline_reports.gate.result import Row, Verdict
from faultline_reports.metrics import VALID_TRIALS
from faultline_reports.model import Document
from faultline_reports.statistics.thresholds import (
    GATE_COUNT_CONFIRM_ROUNDS,
    GATE_LEAST_CONFIRM_ROUNDS,
    GATE_LEAST_ROUNDS,
)
from faultline_reports.statistics.verdict import Scale


TOO_NOISY = "told, not gated: too noisy on this host"


@dataclass(frozen=True)
class Rounds:
    """The rounds of one stage: a document and which of its rounds. `cut`: fewer than were wanted."""

    document: Document
    numbers: Collection[int]
    cut: bool


class Source(Protocol):
    stopped_early: bool  # where it has no round: for want of time, and not because there are none

    def first(self, rounds: int) -> Rounds | None:
        """Stage 1's rounds; None when there is not one."""

    def fresh(self, rounds: int, workloads: Sequence[str], keys: Collection[str]) -> Rounds | None:
        """Rounds that stage 1 did not have, of those workloads and metrics at least; None when there is not
        one."""

    def instructions(self, document: Document, arms: tuple[str, str], policy: Policy) -> list[Row]:
        """Rows of what is counted and not timed; none where nothing can be run."""


@dataclass(frozen=True)
class Judged:
    rows: list[Row]
    verdict: Verdict
    reasons: list[str]
    rounds: int
    confirm_rounds: int
    calibration: calibration.Calibration | None
    measured: Collection[str] = ()  # the keys of the metrics that some trial has


def judge(
    source: Source,
    arms: tuple[str, str],
    policy: Policy,
    today: datetime.date,
) -> Judged:
    """Asks `source` for rounds and puts them to the rules. What this host's own A/A rounds showed is taken
    into account where it has been stored."""
    rules = policy.metrics()
    first = source.first(policy.rounds)
    if first is None:
        if source.stopped_early:
            return Judged([], Verdict.INCONCLUSIVE, ["cut short: no round was whole"], 0, 0, None)
        return Judged([], Verdict.COULD_NOT_TELL, ["there is no whole round"], 0, 0, None)
    known = calibration.load(first.document.fingerprint)
    noise = known.noise_for(first.document) if known else {}
    asked = [_gated(entry, policy) for entry in ask(first.document, *arms, rules, noise, first.numbers)]
    questions = [entry.question for entry in asked]
    answers = decision.stage_one(questions)
    named = [index for index, answer in enumerate(answers) if answer.named]
    confirm_rounds, unconfirmed = 0, False
    if named:
        steady = all(decision.steady(asked[index].question) for index in named)
        wanted = min(policy.confirm_rounds, GATE_COUNT_CONFIRM_ROUNDS) if steady else policy.confirm_rounds
        labels = list(dict.fromkeys(asked[index].workload for index in named))
        fresh = source.fresh(wanted, labels, {asked[index].metric.key for index in named})
        if fresh is not None:
            confirm_rounds = len(fresh.numbers)
            unconfirmed = confirm_rounds < min(GATE_LEAST_CONFIRM_ROUNDS, wanted)
            again = {e.key: e for e in ask(fresh.document, *arms, rules, noise, fresh.numbers)}
            pairs = [(index, again[asked[index].key]) for index in named if asked[index].key in again]
            for (index, entry), answer in zip(pairs, decision.stage_two([e.question for _, e in pairs])):
                asked[index], answers[index] = entry, _if_whole(answer, unconfirmed)
        else:
            unconfirmed = True
    cut = len(first.numbers) < min(GATE_LEAST_ROUNDS, policy.rounds)
    used = power.Used(len(first.numbers), policy.confirm_rounds, power.critical(questions))
    rows = [
        _row(entry, _allowed(entry, answer, policy, today), used) for entry, answer in zip(asked, answers)
    ]
    rows += _broken(first, arms)
    if not unconfirmed and not cut:
        counted = source.instructions(first.document, arms, policy)
        rows += [replace(row, answer=_allowed(row, row.answer, policy, today)) for row in counted]
    verdict, reasons = _verdict(rows, cut, unconfirmed, first, arms)
    seen = measured(first.document, rules)
    return Judged(rows, verdict, reasons, len(first.numbers), confirm_rounds, known, seen)


def _gated(entry: Asked, policy: Policy) -> Asked:
    """Told and not gated where this host is known to be too noisy for it."""
    if not power.too_noisy(entry.question, policy.rounds):
        return entry
    rule = replace(entry.question.rule, tier=Tier.ADVICE)
    return replace(entry, question=replace(entry.question, rule=rule), too_noisy=True)


def _if_whole(answer: Answer, cut: bool) -> Answer:
    """Nothing fails on a confirmation that was cut short, however clear it looks."""
    if cut and answer.outcome is Outcome.FAIL:
        return replace(answer, outcome=Outcome.INCONCLUSIVE, why="its confirmation was cut short")
    return answer


def _allowed(entry: Asked | Row, answer: Answer, policy: Policy, today: datetime.date) -> Answer:
    if answer.outcome is not Outcome.FAIL:
        return answer
    allowance = policy.allowance(entry.workload, entry.metric.key, today)
    if allowance is None:
        return answer
    relative = answer.estimate
    if entry.question.scale is not Scale.RATIO:
        relative = math.inf if entry.question.base <= 0 else math.log1p(answer.estimate / entry.question.base)
    if relative > math.log1p(allowance.up_to):
        return replace(answer, why=f"more than the {allowance.up_to * 100:g} % allowed: {allowance.reason}")
    return replace(
        answer, outcome=Outcome.ALLOWED, why=f"allowed until {allowance.until}: {allowance.reason}"
    )


def _row(entry: Asked, answer: Answer, used: power.Used) -> Row:
    note = entry.missing if answer.outcome is Outcome.NOT_MEASURED else answer.why
    if entry.too_noisy:
        note = TOO_NOISY
    seen = power.detectable(entry.question, used) if entry.question.differences else None
    return Row(entry.workload, entry.metric, entry.question, entry.candidate, answer, note, seen)


def _broken(first: Rounds, arms: tuple[str, str]) -> list[Row]:
    """A row for each workload that an arm does not run. For the candidate that is a failure as any other."""
    rows = []
    for found in invalid(first.document, arms):
        if not found.broken:
            continue
        outcome = Outcome.FAIL if found.arm == arms[1] else Outcome.BROKEN
        note = f"{found.invalid} of {found.trials} trials of {found.arm} are not valid: {found.reason}"
        answer = Answer(outcome, math.nan, math.nan, math.nan, math.nan, found.trials, why=note)
        rule = decision.Rule(Tier.COUNT, 0.0)
        question = decision.Question(rule, Scale.DIFFERENCE, math.nan, {})
        rows.append(Row(found.workload, VALID_TRIALS, question, math.nan, answer, note, None))
    return rows


def _verdict(
    rows: Sequence[Row], cut: bool, unconfirmed: bool, first: Rounds, arms: tuple[str, str]
) -> tuple[Verdict, list[str]]:
    def sentences(outcome: Outcome) -> list[str]:
        return [row.sentence() for row in rows if row.outcome is outcome]

    reasons = sentences(Outcome.FAIL) + sentences(Outcome.BROKEN)
    if cut:
        count = formatting.count(len(first.numbers), "round")
        reasons.append(f"cut short: {count} of at least {GATE_LEAST_ROUNDS}")
    if unconfirmed:
        reasons.append("cut short: too few fresh rounds to confirm what was named")
    reasons += sentences(Outcome.INCONCLUSIVE)
    if not any(row.question.gates and row.answer.rounds for row in rows):
        return Verdict.COULD_NOT_TELL, [
            *reasons,
            f"nothing that gates was measured in both {' and '.join(arms)}",
        ]
    if sentences(Outcome.FAIL):
        return Verdict.FAIL, reasons
    if sentences(Outcome.BROKEN):
        return Verdict.COULD_NOT_TELL, reasons
    return (Verdict.INCONCLUSIVE if reasons else Verdict.PASS), reasons
