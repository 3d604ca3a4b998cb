"""The gate's result as a table for a terminal."""

from __future__ import annotations

from faultline_reports import formatting
from faultline_reports.ab.table import aligned
from faultline_reports.gate.decision import Outcome
from faultline_reports.gate.result import Result, Row
from faultline_reports.runner import budget
from faultline_reports.statistics import thresholds

DECIDING = "cpu_ns_per_operation"
MOST_REASONS = 10
SHOWN = (
    Outcome.REGRESSION,
    Outcome.BROKEN,
    Outcome.INCONCLUSIVE,
    Outcome.ALLOWED,
    Outcome.ADVICE,
    Outcome.TOO_NOISY,
)
HEADS = ("workload", "metric", "base", "candidate", "difference", "90 % interval", "limit", "could see", "")


def is_notable(result: Result, row: Row) -> bool:
    """What is not a plain pass. Of a round or two nothing is worth a line that is only open."""
    open_ = result.too_short and row.outcome in (Outcome.INCONCLUSIVE, Outcome.ADVICE, Outcome.TOO_NOISY)
    return row.outcome in SHOWN and not open_


def worth_showing(result: Result) -> list[Row]:
    """What is notable, and every CPU time."""
    times = () if result.too_short else (DECIDING,)
    return [row for row in result.rows if is_notable(result, row) or row.metric.key in times]


def facts(result: Result) -> list[str]:
    """How it was measured, one line each."""
    rounds = formatting.count(result.rounds, "round")
    if result.confirm_rounds:
        rounds += f", then {result.confirm_rounds} fresh ones of what was named"
    took = f" in {budget.words(result.seconds)}"
    limit = f" of {budget.words(result.budget_s)}" if result.budget_s is not None else ""
    return [f"{rounds}{took}{limit}; policy: {result.policy}", *result.notes, result.false_alarms]


def lines(result: Result, everything: bool) -> list[str]:
    shown = list(result.rows) if everything else worth_showing(result)
    text = [f"gate: {result.head()}", *facts(result)]
    if shown:
        table = [list(HEADS)]
        last = ""
        for row in shown:
            label = row.workload if row.workload != last else ""
            last = row.workload
            table.append(
                [
                    label,
                    row.metric.short,
                    *row.cells(),
                    row.outcome.value,
                ]
            )
        text += ["", *aligned(table, left=(0, 1, 8))]
    hidden = len(result.rows) - len(shown)
    if hidden:
        text += [
            "",
            f"{formatting.count(hidden, 'further row')} (--all shows them); in all {result.counts()}",
        ]
    if result.reasons:
        text += ["", *(f"- {reason}" for reason in result.reasons[:MOST_REASONS])]
        more = len(result.reasons) - MOST_REASONS
        text += [f"- and {more} more"] if more > 0 else []
    power = formatting.percent(thresholds.POWER)
    return [*text, f'"could see": an increase that this gate had failed with {power} probability']
