"""How a gate divides its time: from what rounds take and the budget alone.

Nothing here sees a sample, so how many rounds a stage has for all depends on nothing that was measured in
them, and no rate of error depends on it; stages.py asks for more of what is not precise. Only which workloads
are confirmed first follows stage 1, and the confirmation is of fresh rounds.
"""

from __future__ import annotations

import math

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faultline_reports import formatting
from faultline_reports.model import Document
from faultline_reports.runner.budget import words
from faultline_reports.statistics.thresholds import (
    GATE_CONFIRM_SHARE,
    GATE_COST_MARGIN,
    GATE_COUNT_CONFIRM_ROUNDS,
    GATE_COUNTED_COST,
    GATE_LEAST_CONFIRM_ROUNDS,
    GATE_LEAST_CONFIRMED,
    GATE_LEAST_ROUNDS,
)

Costs = Mapping[str, float]  # seconds that a round of each workload takes, both arms


@dataclass(frozen=True)
class Needs:
    """The rounds that a gate asks for; 0 `confirm_rounds`: nothing that is measured in rounds can fail it, 0
    `counted_rounds`: nothing is counted by the kernel."""

    rounds: int
    confirm_rounds: int
    counted_rounds: int

    @property
    def least_rounds(self) -> int:
        return min(GATE_LEAST_ROUNDS, self.rounds)

    @property
    def least_confirm_rounds(self) -> int:
        return min(GATE_LEAST_CONFIRM_ROUNDS, self.confirm_rounds)


def costs(document: Document, round_s: float) -> dict[str, float]:
    """`round_s` shared out to the document's workloads by how long their trials ran."""
    ran = {workload.label: 0.0 for workload in document.workloads}
    for trial in document.trials:
        ran[trial.workload] = ran.get(trial.workload, 0.0) + sum(
            phase.wall_ns or 0.0 for phase in trial.phases.values()
        )
    total = sum(ran.values())
    if total <= 0:
        return {label: round_s / len(ran) for label in ran}
    return {label: round_s * spent / total for label, spent in ran.items()}


def least(needs: Needs, taken: Sequence[float]) -> float:
    """Seconds for the least that leads to a verdict on workloads whose rounds take `taken` seconds each."""
    everything = needs.least_rounds + needs.counted_rounds * GATE_COUNTED_COST
    return everything * sum(taken) + _least_confirming(needs, taken)


def enough_for(limit_s: float, needs: Needs, taken: Costs) -> list[str]:
    """For which of these workloads `limit_s` seconds would do, those first that take the least; in the order
    of `taken`."""
    shortest = sorted(taken, key=lambda label: taken[label])
    while shortest and GATE_COST_MARGIN * least(needs, [taken[label] for label in shortest]) > limit_s:
        shortest.pop()
    return [label for label in taken if label in shortest]


def first_until(limit_s: float, needs: Needs, taken: Sequence[float]) -> float:
    """When, in seconds from the gate's beginning, stage 1 gives way to the confirmation, once it has its
    least rounds."""
    if not needs.confirm_rounds:
        return limit_s
    return limit_s - max(GATE_COST_MARGIN * _least_confirming(needs, taken), GATE_CONFIRM_SHARE * limit_s)


def _least_confirming(needs: Needs, taken: Sequence[float]) -> float:
    longest = sum(sorted(taken)[-GATE_LEAST_CONFIRMED:])
    return needs.least_confirm_rounds * longest


@dataclass(frozen=True)
class Confirmation:
    """What of the named workloads is confirmed, and in how many counted rounds before those that are
    timed."""

    workloads: Sequence[str]
    counted_rounds: int


def confirmation(
    left_s: float, wanted: int, named: Sequence[str], taken: Costs, timed: bool, counted_cost: float
) -> Confirmation:
    """As many of `named`, in that order, as have time for their least rounds, and at least the first.
    `counted_cost`: of a counted round, in timed ones; 0 where nothing is counted."""
    rounds = min(GATE_LEAST_CONFIRM_ROUNDS, wanted)
    chosen: list[str] = []
    spent_s = 0.0
    for label in named:
        round_s = GATE_COST_MARGIN * taken.get(label, 0.0)
        needed = rounds * round_s * (timed + counted_cost)
        if not chosen or spent_s + needed <= left_s:
            chosen.append(label)
            spent_s += needed
    counted = 0
    if counted_cost:
        a_round_s = GATE_COST_MARGIN * sum(taken.get(label, 0.0) for label in chosen)
        more_s = (GATE_COUNT_CONFIRM_ROUNDS - rounds) * a_round_s * counted_cost
        counted = GATE_COUNT_CONFIRM_ROUNDS if spent_s + more_s <= left_s else rounds
    return Confirmation(chosen, counted)


@dataclass(frozen=True)
class TooShort:
    """A budget that cannot lead to a verdict, and what would the next time."""

    why: str
    needed_s: float  # for all workloads; what is known to be too little where not one round was whole
    enough: Sequence[str]  # the workloads that it would do for


def too_short(
    limit_s: float, reserve_s: float, needs: Needs, taken: Costs, lost_s: float = 0.0
) -> TooShort | None:
    """What is wrong with a budget of `limit_s` and `reserve_s` more; None when it can lead to a verdict.
    `lost_s` of it went to rounds that took longer."""
    needed_s = least(needs, list(taken.values()))
    if needed_s + lost_s <= limit_s:
        return None
    needed_s = GATE_COST_MARGIN * needed_s + reserve_s
    enough = enough_for(limit_s, needs, taken)
    what = formatting.count(len(taken), "workload")
    why = (
        f"the budget of {words(limit_s + reserve_s)} is too short for {what}, whose round takes "
        f"{_seconds(sum(taken.values()))} here: {_rounds(needs)} need {words(math.ceil(needed_s))}; "
        + (f"it would do for the {len(enough)} shortest" if enough else "it would do for none of them")
    )
    return TooShort(why, needed_s, enough)


def _seconds(value: float) -> str:
    return f"{value:.2g} s" if value < 10 else words(value)


def no_round(limit_s: float, reserve_s: float, needs: Needs, workloads: int) -> TooShort:
    """The same where not one round was whole in all of the budget."""
    needed_s = least(needs, [limit_s / max(1, workloads)] * max(1, workloads)) + reserve_s
    what = formatting.count(workloads, "workload")
    why = (
        f"the budget of {words(limit_s + reserve_s)} is too short: not one round of {what} was whole in it; "
        f"{_rounds(needs)} need more than {words(math.ceil(needed_s))}"
    )
    return TooShort(why, needed_s, [])


def _rounds(needs: Needs) -> str:
    parts = [f"at least {needs.least_rounds} rounds"]
    if needs.counted_rounds:
        parts.append(f"{needs.counted_rounds} that count what the kernel does")
    if needs.confirm_rounds:
        parts.append(
            f"{needs.least_confirm_rounds} fresh ones of up to {GATE_LEAST_CONFIRMED} that are named"
        )
    return " and ".join(parts) if len(parts) < 3 else f"{parts[0]}, {parts[1]} and {parts[2]}"
