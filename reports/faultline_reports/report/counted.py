"""The kernel's figures of each allocator in one workload: from the counted trial where there is one, which
ran with the probes that slow a trial down, else from the timed trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faultline_reports.metrics import WORKING_PHASES
from faultline_reports.model import Document, Phase, TableRow, Trial
from faultline_reports.statistics.order import median

TIMED_PHASE = "measure"


@dataclass(frozen=True)
class Arm:
    """The trials of one allocator: `counted` is empty where none was counted apart."""

    name: str
    timed: Sequence[Trial]
    counted: Sequence[Trial]
    known: frozenset[str]  # the names of all its counts

    def count(self, name: str, phases: Sequence[str] = WORKING_PHASES) -> float | None:
        """The kernel's count `name` over these phases, the median over trials; None: not measured."""
        if name not in self.known:
            return None
        for trials in (self.counted, self.timed):
            values = [value for trial in trials if (value := _sum(trial, name, phases)) is not None]
            if values:
                return median(values)
        return None

    def measured(self, field: str) -> float | None:
        """A field of the measured phase, the median over timed trials."""
        return _median([_field(trial, field) for trial in self.timed])

    def measured_counted(self, field: str) -> float | None:
        """The same in the counted trials; where a count was taken in the timed trials, in those."""
        return _median([_field(trial, field) for trial in self.counted or self.timed])

    def table(self, name: str) -> dict[str, list[float]]:
        """The rows of a table, summed over the working phases, of one trial."""
        rows: dict[str, list[float]] = {}
        for trial in (self.counted or self.timed)[:1]:
            for phase in WORKING_PHASES:
                found: Sequence[TableRow] = (
                    trial.phases[phase].tables.get(name, ()) if phase in trial.phases else ()
                )
                for key, values in found:
                    before = rows.get(key, [0.0] * len(values))
                    rows[key] = [one + other for one, other in zip(before, values)]
        return rows

    def distrusted(self) -> set[str]:
        """Metrics that two sources disagreed about."""
        return {
            name
            for trial in self.counted or self.timed
            for check in trial.kernel_checks
            if not check.trusted
            for name in check.metrics
        }


def of(
    names: Sequence[str], timed: Mapping[str, Sequence[Trial]], counted: Mapping[str, Sequence[Trial]]
) -> list[Arm]:
    arms = []
    for name in names:
        trials = [*timed.get(name, []), *counted.get(name, [])]
        known = {count for trial in trials for phase in trial.phases.values() for count in phase.kernel}
        arms.append(Arm(name, timed.get(name, []), counted.get(name, []), frozenset(known)))
    return arms


def why_not(document: Document, group: str) -> str:
    """Why the counts of a group are not in the document."""
    rows = [row for row in document.capabilities if row.group == group]
    for row in rows:
        if row.status == "unavailable" and row.reason:
            return f"not measured: {row.reason}" + (f" ({row.remedy})" if row.remedy else "")
    if any(row.layer == "bpf-tp" for row in rows):
        return "not measured in this workload"
    return f"not measured: the probes “{group}” were not asked for (--probes all)"


def _sum(trial: Trial, name: str, phases: Sequence[str]) -> float | None:
    found = [trial.phases[phase].kernel.get(name) for phase in phases if phase in trial.phases]
    known = [value for value in found if value is not None]
    return sum(known) if known and len(known) == len(found) else None


def _field(trial: Trial, field: str) -> float | None:
    phase: Phase | None = trial.phases.get(TIMED_PHASE)
    value: float | None = getattr(phase, field) if phase is not None else None
    return value


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
