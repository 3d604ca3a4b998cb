"""How far to believe the report: what a reader should know before the numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from faultline_reports import formatting
from faultline_reports.comparison import Matrix
from faultline_reports.model import Document
from faultline_reports.report.analysis import Analysis
from faultline_reports.statistics.order import median_interval
from faultline_reports.statistics.signed_rank import best_confidence
from faultline_reports.statistics.thresholds import CONFIDENCE, PRECISE_ENOUGH
from faultline_reports.statistics.verdict import Scale

# Shares of the measured time in which tasks waited for a CPU, or for memory, from which on a report warns.
CPU_PRESSURE = 0.10
MEMORY_PRESSURE = 0.01


@dataclass(frozen=True)
class Badge:
    state: str  # good, warn, bad
    text: str
    link: str
    spoils: str = ""  # in a few words, why the report's own figures cannot be relied on


@dataclass(frozen=True)
class Verdict:
    word: str  # TRUST, CARE or DO_NOT
    state: str  # a badge's
    reason: str

    @property
    def text(self) -> str:
        return f"{self.word}: {self.reason}"


TRUST, CARE, DO_NOT = "Trust it", "With care", "Do not rely on this"


def badges(analysis: Analysis) -> list[Badge]:
    """What a reader should know before believing: each with a mark for its state, so that colour is not
    needed."""
    document = analysis.document
    found = [
        _complete(document),
        _valid(document),
        _rounds(document),
        resolution(analysis.time),
        _false_alarms(analysis.false_alarms),
        _steal(document),
        *_pressure(document),
        _doctor(document),
        _probes(document),
    ]
    return [badge for badge in found if badge is not None]


def verdict(shown: Sequence[Badge]) -> Verdict:
    """What the checks mean for the reader: TRUST where all passed; DO_NOT where one failed that touches the
    figures themselves (trials that are invalid or missing, too few rounds for an interval); CARE where
    others failed, which tell of the host and of how precise the figures are."""
    good, total = sum(badge.state == "good" for badge in shown), len(shown)
    passed = f"{good} of {formatting.count(total, 'check')} passed"
    spoilt = [badge.spoils for badge in shown if badge.spoils]
    if spoilt:
        return Verdict(DO_NOT, "bad", f"{' and '.join(spoilt)}; {passed}")
    if good < total:
        return Verdict(CARE, "warn", passed)
    return Verdict(TRUST, "good", f"all {formatting.count(total, 'check')} passed")


def _complete(document: Document) -> Badge | None:
    if document.complete:
        return None
    planned = f" of {document.rounds_planned}" if document.rounds_planned else ""
    text = f"run cut short: {len(document.rounds)}{planned} rounds whole, the rest left out"
    return Badge("warn", text, "#run")


def _valid(document: Document) -> Badge:
    total = len(document.trials)
    invalid = sum(not trial.valid for trial in document.trials)
    if invalid:
        text = f"{invalid:,} of {formatting.count(total, 'trial')} invalid, left out"
        verb = "is" if invalid == 1 else "are"
        return Badge("bad", text, "#invalid", f"{formatting.count(invalid, 'trial')} {verb} invalid")
    if not total:
        return Badge("bad", "no trials", "#run", "there are no trials")
    return Badge("good", f"all {formatting.count(total, 'trial')} valid", "#run")


def _rounds(document: Document) -> Badge:
    rounds = len(document.rounds)
    text = formatting.count(rounds, "round")
    if best_confidence(rounds) >= CONFIDENCE:
        return Badge("good", text, "#method")
    verb = "is" if rounds == 1 else "are"
    return Badge("warn", f"{text}: too few for 95 % intervals", "#method", f"{text} {verb} too few")


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


def _false_alarms(text: str | None) -> Badge:
    if text is None:
        return Badge("warn", "false alarms of this host: not calibrated", "#method")
    return Badge("good", text, "#method")


def _steal(document: Document) -> Badge | None:
    found = next((finding for finding in document.doctor if finding.id == "steal"), None)
    if found is None:
        return None
    return Badge("good" if found.status == "ok" else "warn", f"steal: {found.what}", "#doctor")


def _pressure(document: Document) -> list[Badge]:
    """Pressure stall information of the whole host, over the measured phases of valid trials."""
    badges = []
    for name, what, limit in (
        ("host_cpu_pressure_ns", "a CPU", CPU_PRESSURE),
        ("host_memory_pressure_some_ns", "memory", MEMORY_PRESSURE),
    ):
        share = _stalled(document, name)
        if share is None or (share <= limit and name != "host_cpu_pressure_ns"):
            continue
        text = f"tasks waited for {what} in {formatting.percent(round(share, 3))} of the measured time"
        badges.append(Badge("good" if share <= limit else "warn", text, "#host"))
    return badges


def _stalled(document: Document, name: str) -> float | None:
    stalled, measured = 0.0, 0.0
    for trial in document.trials:
        phase = trial.phases.get("measure") if trial.valid else None
        value = phase.kernel.get(name) if phase else None
        if phase is not None and value is not None and phase.wall_ns:
            stalled += value
            measured += phase.wall_ns
    return min(1.0, stalled / measured) if measured else None


def _doctor(document: Document) -> Badge | None:
    if not document.doctor:
        return None
    warnings = [entry for entry in document.doctor if entry.status != "ok" and not about_probes(entry.id)]
    if warnings:
        return Badge("warn", f"{formatting.count(len(warnings), 'warning')} about this host", "#doctor")
    return Badge("good", "no warnings about this host", "#doctor")


def about_probes(finding: str) -> bool:
    """Whether the finding says what a capability says too."""
    return finding.startswith("probe.")


def _probes(document: Document) -> Badge | None:
    blind = [row for row in document.capabilities if row.status != "ok"]
    if not blind:
        return None
    return Badge("warn", f"{formatting.count(len(blind), 'probe')} limited on this host", "#capabilities")
