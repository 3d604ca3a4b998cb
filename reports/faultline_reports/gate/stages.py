"""The gate's two stages over rounds, measured or stored, and what follows from them.

A `Source` gives the rounds of a stage; the rules are decision.py's. How many rounds a stage gets depends on
the time that is left and on how wide intervals are, never on which way they went.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from faultline_reports import calibration, formatting
from faultline_reports.gate import decision, power, reasons
from faultline_reports.calibration import Key
from faultline_reports.gate.decision import NOT_CONFIRMED, TOO_FEW, TOO_FEW_ROUNDS, Answer, Outcome, Tier
from faultline_reports.gate.policy import Policy
from faultline_reports.gate.questions import Asked, ask, invalid, measured
from faultline_reports.gate.result import NO_TIME, Row, Verdict
from faultline_reports.gate.schedule import TooShort
from faultline_reports.metrics import KERNEL, VALID_TRIALS
from faultline_reports.model import Document
from faultline_reports.statistics.thresholds import (
    GATE_COUNT_CONFIRM_ROUNDS,
    GATE_COUNT_ROUNDS,
    GATE_INVALID_TRIALS,
    GATE_LEAST_CONFIRM_ROUNDS,
    GATE_LEAST_ROUNDS,
    GATE_MOST_ROUNDS,
)
from faultline_reports.statistics.verdict import Scale


@dataclass(frozen=True)
class Rounds:
    """The rounds of one stage: a document and which of its rounds. `cut`: fewer than were wanted."""

    document: Document
    numbers: Collection[int]
    cut: bool


class Source(Protocol):
    stopped_early: bool  # where it has no round: for want of time, and not because there are none
    too_short: TooShort | None  # once asked for the first rounds: that its time cannot lead to a verdict

    @property
    def uncounted(self) -> bool:
        """Whether the kernel's counts were asked for, and there was not time for one round of them."""

    def first(self, rounds: int) -> Rounds | None:
        """Stage 1's rounds; None when there is not one."""

    def fresh(
        self, rounds: int, workloads: Sequence[str], keys: Collection[str], more: Mapping[str, int]
    ) -> Rounds | None:
        """Rounds that stage 1 did not have, of those metrics at least and of those workloads, or of the first
        of them that there is time for; as many as `more` says of those in it, where there is time. None when
        there is not one."""

    def same(
        self, rounds: int, workloads: Sequence[str], counted: bool
    ) -> tuple[Rounds, tuple[str, str]] | None:
        """Rounds of the base against itself, and the names that its arms have there; None when there is no
        time for any."""

    def more(self, rounds: int, workloads: Sequence[str], counted: bool) -> Rounds | None:
        """Stage 1's rounds with more of those workloads, up to `rounds`, timed ones or those in which the
        kernel's counts are `counted`; None when there is no time for more."""

    def late_counts(self) -> Rounds | None:
        """Stage 1's rounds with what of the kernel's counts was not whole then and is now; None when nothing
        is."""

    def could_confirm(self, rounds: int) -> int:
        """How many of `rounds` fresh rounds of one workload there would be now."""

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
    too_short: TooShort | None = None  # the budget could not hold the least that leads to a verdict


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
            short = source.too_short
            why = short.why if short else "cut short: no round was whole"
            return Judged([], Verdict.INCONCLUSIVE, [why], 0, 0, None, too_short=short)
        return Judged([], Verdict.COULD_NOT_TELL, ["there is no whole round"], 0, 0, None)
    known = calibration.load(first.document.fingerprint)
    noise = known.noise_for(first.document) if known else {}

    def asked_of(rounds: Rounds) -> list[Asked]:
        return ask(rounds.document, *arms, rules, noise, rounds.numbers)

    whole = len({trial.round for trial in first.document.trials} & set(first.numbers))
    asked = asked_of(first)
    if whole >= policy.rounds:
        first, asked = _made_precise(source, first, asked_of, policy)
    stage_rounds = [len(entry.question.differences) for entry in asked]
    questions = [entry.question for entry in asked]
    answers = decision.stage_one(questions)
    named = _clearest_first(answers)
    confirm_rounds, unconfirmed = 0, bool(named)
    could_confirm = {
        rounds: source.could_confirm(max(policy.confirm_rounds, rounds)) for rounds in set(stage_rounds)
    }
    if named:
        steady = all(decision.steady(asked[index].question) for index in named)
        wanted = min(policy.confirm_rounds, GATE_COUNT_CONFIRM_ROUNDS) if steady else policy.confirm_rounds
        fresh = _fresh(source, [asked[index] for index in named], wanted)
        if fresh is not None:
            confirm_rounds = _of_all(fresh)
            unconfirmed = confirm_rounds < min(GATE_LEAST_CONFIRM_ROUNDS, wanted)
            if not steady:  # of steady counts there are fewer than a slowdown would have had
                could_confirm = {
                    rounds: max(confirm_rounds, min(rounds, confirmed))
                    for rounds, confirmed in could_confirm.items()
                }
            _confirm(asked, answers, named, asked_of(fresh), unconfirmed)
    cut = whole < min(GATE_LEAST_ROUNDS, policy.rounds)
    if not cut:
        late = source.late_counts()
        later = {entry.key: entry for entry in asked_of(late)} if late else {}
        for index, entry in enumerate(asked):
            if entry.metric.key.startswith(KERNEL) and not answers[index].named:
                asked[index], answers[index] = _counted(later.get(entry.key, entry), answers[index], policy)
    instructions: list[Row] = []
    if not unconfirmed and not cut:
        instructions = source.instructions(first.document, arms, policy)
        asked, answers = _noise_told(source, asked, answers, policy)
    critical = power.critical(questions)
    rows = [
        _row(
            entry,
            _allowed(entry, answer, policy, today),
            power.Used(rounds or whole, could_confirm[rounds], critical),
        )
        for entry, answer, rounds in zip(asked, answers, stage_rounds)
    ]
    rows += _broken(first, arms, policy.rounds)
    rows += [replace(row, answer=_allowed(row, row.answer, policy, today)) for row in instructions]
    short = source.too_short
    shortened = short.why if short else _shortened(cut, unconfirmed, whole)
    verdict, found = _verdict(rows, shortened, arms)
    seen = measured(first.document, rules)
    return Judged(rows, verdict, found, _of_all(first), confirm_rounds, known, seen, short)


def _confirm(
    asked: list[Asked], answers: list[Answer], named: Sequence[int], fresh: Sequence[Asked], cut: bool
) -> None:
    """Puts the answer of `fresh` in the place of each named one that has rounds in it."""
    again = {entry.key: entry for entry in fresh if entry.question.differences}
    pairs = [(index, again[asked[index].key]) for index in named if asked[index].key in again]
    for (index, entry), answer in zip(pairs, decision.stage_two([e.question for _, e in pairs])):
        asked[index], answers[index] = entry, _if_whole(answer, cut)
    for index in set(named) - {index for index, _ in pairs}:
        why = f"{NOT_CONFIRMED}: there are no fresh rounds of it"
        answers[index] = replace(answers[index], why=why)


def _noise_told(
    source: Source, asked: Sequence[Asked], answers: Sequence[Answer], policy: Policy
) -> tuple[list[Asked], list[Answer]]:
    """With the base run against itself where a count is open by nothing but its noise. Times are left open:
    they vary with the machine, and another one, or an hour later, may tell."""

    def matters(entry: Asked, answer: Answer) -> bool:
        return power.is_open(answer) and entry.question.rule.tier is Tier.COUNT and not entry.question.noise

    noise: dict[tuple[Key, Scale], list[float]] = {}
    for counted in (False, True):
        labels = dict.fromkeys(
            entry.workload
            for entry, answer in zip(asked, answers)
            if matters(entry, answer) and entry.metric.key.startswith(KERNEL) is counted
        )
        found = source.same(policy.rounds, list(labels), counted) if labels else None
        for entry in ask(found[0].document, *found[1], policy.metrics(), {}) if found else ():
            if len(entry.question.differences) >= min(calibration.LEAST_ROUNDS, policy.rounds):
                noise[entry.key, entry.question.scale] = list(entry.question.differences.values())
    asked = [
        replace(
            entry, question=replace(entry.question, same=noise.get((entry.key, entry.question.scale), ()))
        )
        for entry in asked
    ]
    most = GATE_MOST_ROUNDS * policy.rounds
    answers = [power.with_noise_told(entry.question, answer, most) for entry, answer in zip(asked, answers)]
    return asked, [_hurried(entry, answer, policy) for entry, answer in zip(asked, answers)]


def _hurried(entry: Asked, answer: Answer, policy: Policy) -> Answer:
    """Says where it was for want of time that the kernel's counts of a row are few."""
    if power.is_open(answer) and entry.metric.key.startswith(KERNEL) and answer.rounds < policy.rounds:
        return replace(answer, why=TOO_FEW_ROUNDS)
    return answer


def _clearest_first(answers: Sequence[Answer]) -> list[int]:
    """Which are named, in the order in which they are to be confirmed where there is not time for all."""

    def unclear(index: int) -> tuple[float, float]:
        answer = answers[index]
        return answer.p or 0.0, answer.limit - answer.estimate

    return sorted((index for index, answer in enumerate(answers) if answer.named), key=unclear)


def _counted(entry: Asked, answer: Answer, policy: Policy) -> tuple[Asked, Answer]:
    """A kernel count with too few rounds is not measured: it is no reason to doubt what was. With rounds that
    came after the confirmation it can pass, and not fail."""
    rounds = len(entry.question.differences)
    if rounds < min(GATE_COUNT_ROUNDS, policy.rounds):
        if not rounds or answer.named:
            return entry, answer
        note = f"{NO_TIME}: {rounds} of {GATE_COUNT_ROUNDS} rounds were counted"
        return replace(entry, missing=note), replace(answer, outcome=Outcome.NOT_MEASURED)
    if rounds == answer.rounds:
        return entry, answer
    return entry, decision.stage_one([entry.question])[0]


def _made_precise(
    source: Source, first: Rounds, asked_of: Callable[[Rounds], list[Asked]], policy: Policy
) -> tuple[Rounds, list[Asked]]:
    """With more rounds of what asks for them, as far as there is time."""
    asked = asked_of(first)
    steps = [(times, kind) for times in range(2, GATE_MOST_ROUNDS + 1) for kind in (True, False)]
    for times, of_kernel in [(1, True), *steps]:
        labels = _to_be_made_precise(asked, of_kernel)
        more = source.more(times * policy.rounds, labels, of_kernel) if labels else None
        if more is not None:
            first, asked = more, asked_of(more)
    return first, asked


def _fresh(source: Source, named: Sequence[Asked], wanted: int) -> Rounds | None:
    """`wanted` rounds of what is named, or as many as stage 1 had: by fewer it could name what they cannot
    confirm."""
    had: dict[str, int] = {}
    for entry in named:
        had[entry.workload] = max(had.get(entry.workload, 0), len(entry.question.differences))
    return source.fresh(wanted, list(had), {entry.metric.key for entry in named}, had)


def _to_be_made_precise(asked: Sequence[Asked], counted: bool) -> list[str]:
    """Workloads that ask for more rounds than all have. A count of the kernel that is not steady is compared
    by rank, as times are, so it asks for as many rounds as these have."""

    def asks(entry: Asked) -> bool:
        by_rank = counted and not decision.steady(entry.question) and entry.question.gates
        return bool(entry.question.differences) and (by_rank or decision.imprecise(entry.question))

    return list(
        dict.fromkeys(
            entry.workload
            for entry in asked
            if entry.metric.key.startswith(KERNEL) is counted and asks(entry)
        )
    )


def _of_all(rounds: Rounds) -> int:
    """How many rounds each workload has that was run at all."""
    seen: dict[str, set[int]] = {}
    for trial in rounds.document.trials:
        if trial.round in rounds.numbers:
            seen.setdefault(trial.workload, set()).add(trial.round)
    return min((len(numbers) for numbers in seen.values()), default=0)


def _if_whole(answer: Answer, cut: bool) -> Answer:
    """Nothing fails on a confirmation that was cut short, however clear it looks."""
    if cut and answer.outcome is Outcome.REGRESSION:
        return replace(answer, outcome=Outcome.INCONCLUSIVE, why="its confirmation was cut short")
    return answer


def _allowed(entry: Asked | Row, answer: Answer, policy: Policy, today: datetime.date) -> Answer:
    if answer.outcome is not Outcome.REGRESSION:
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
    seen = power.detectable(entry.question, used) if entry.question.differences else None
    return Row(entry.workload, entry.metric, entry.question, entry.candidate, answer, note, seen)


def _broken(first: Rounds, arms: tuple[str, str], wanted: int) -> list[Row]:
    """A row for each workload that an arm does not run. For the candidate that is a regression as any other,
    where the base runs it, and in more than a trial or two: `wanted` rounds are all there can be."""
    rows = []
    often = [found for found in invalid(first.document, arms) if found.often]
    of_base = {found.workload for found in often if found.arm == arms[0]}
    for found in often:
        outcome = Outcome.BROKEN if found.workload in of_base else Outcome.REGRESSION
        if found.invalid < min(GATE_INVALID_TRIALS, wanted):
            outcome = Outcome.INCONCLUSIVE
        note = f"{found.invalid} of {found.trials} trials of {found.arm} are not valid: {found.reason}"
        answer = Answer(outcome, math.nan, math.nan, math.nan, math.nan, found.trials, why=note)
        rule = decision.Rule(Tier.COUNT, 0.0)
        question = decision.Question(rule, Scale.DIFFERENCE, math.nan, {})
        rows.append(Row(found.workload, VALID_TRIALS, question, math.nan, answer, note, None))
    return rows


def _shortened(cut: bool, unconfirmed: bool, rounds: int) -> str:
    """Which stage time did not suffice for, "" when it did for both."""
    said = []
    if cut:
        count = formatting.count(rounds, "round")
        said.append(f"{count} of at least {GATE_LEAST_ROUNDS}")
    if unconfirmed:
        said.append("too few fresh rounds to confirm what was named")
    return f"cut short: {', '.join(said)}" if said else ""


def _verdict(rows: Sequence[Row], shortened: str, arms: tuple[str, str]) -> tuple[Verdict, list[str]]:
    worse = reasons.grouped(rows, Outcome.REGRESSION)
    broken = reasons.grouped(rows, Outcome.BROKEN)
    open_ = reasons.grouped(rows, Outcome.INCONCLUSIVE)
    if shortened:  # which says why as well for what is open because of it
        open_ = [reason for reason in open_ if not reason.endswith((TOO_FEW, TOO_FEW_ROUNDS, NOT_CONFIRMED))]
    found = [*worse, *broken, *([shortened] if shortened else []), *open_]
    told = [row for row in rows if row.outcome is not Outcome.TOO_NOISY]
    if not any(row.question.gates and row.answer.rounds for row in told):
        return Verdict.COULD_NOT_TELL, [
            *found,
            f"nothing that gates could be told in both {' and '.join(arms)}"
            if len(told) < len(rows)
            else f"nothing that gates was measured in both {' and '.join(arms)}",
        ]
    if worse:
        return Verdict.REGRESSION, found
    if broken:
        return Verdict.COULD_NOT_TELL, found
    return (Verdict.INCONCLUSIVE if found else Verdict.PASS), found
