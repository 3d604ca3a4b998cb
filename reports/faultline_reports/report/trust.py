"""How far to believe the report: what a reader should know before the numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from faultline_reports import formatting
from faultline_reports.comparison import Matrix
from faultline_reports.model import Document
from faultline_reports.statistics.order import median_interval
from faultline_reports.statistics.signed_rank import best_confidence
from faultline_reports.statistics.thresholds import CONFIDENCE, PRECISE_ENOUGH
from faultline_reports.statistics.verdict import Scale


@dataclass(frozen=True)
class Badge:
    state: str  # good, warn, bad
    text: str
    link: str


def badges(document: Document, resolution: Badge | None) -> list[Badge]:
    """What a reader should know before believing: each with a word for its state, so that colour is not
    needed."""
    total = len(document.trials)
    invalid = [trial for trial in document.trials if not trial.valid]
    result: list[Badge] = []
    if not document.complete:
        planned = f" of {document.rounds_planned}" if document.rounds_planned else ""
        result.append(
            Badge(
                "warn",
                f"run cut short: {len(document.rounds)}{planned} rounds whole, the rest left out",
                "#run",
            )
        )
    if invalid:
        result.append(
            Badge(
                "bad", f"{len(invalid):,} of {formatting.count(total, 'trial')} invalid, left out", "#invalid"
            )
        )
    else:
        result.append(
            Badge("good", f"all {formatting.count(total, 'trial')} valid" if total else "no trials", "#run")
        )
    rounds = len(document.rounds)
    enough = best_confidence(rounds) >= CONFIDENCE
    text = formatting.count(rounds, "round")
    result.append(
        Badge(
            "good" if enough else "warn", text if enough else f"{text}: too few for 95 % intervals", "#method"
        )
    )
    if resolution is not None:
        result.append(resolution)
    warnings = [finding for finding in document.doctor if finding.status != "ok"]
    if warnings:
        result.append(
            Badge("warn", f"{formatting.count(len(warnings), 'warning')} about this host", "#doctor")
        )
    elif document.doctor:
        result.append(Badge("good", "no warnings about this host", "#doctor"))
    blind = [row for row in document.capabilities if row.status != "ok"]
    if blind:
        result.append(
            Badge("warn", f"{formatting.count(len(blind), 'probe')} limited on this host", "#capabilities")
        )
    return result


def resolution(matrix: Matrix) -> Badge | None:
    """The typical half-width of the intervals of CPU time: what this run can resolve."""
    widths = [
        effect.shown.half_width
        for effect in matrix.cells.values()
        if effect.scale is Scale.RATIO and effect.samples > 2
    ]
    if not widths:
        return None
    share = math.expm1(median_interval(widths).estimate)
    fine = share <= PRECISE_ENOUGH
    only = "" if fine else "only "
    return Badge(
        "good" if fine else "warn",
        f"CPU time known {only}to ±{100 * share:.2g} % in a typical row",
        "#method",
    )
