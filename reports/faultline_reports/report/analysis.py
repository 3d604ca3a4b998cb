"""What every part of a report starts from: the document, the baseline, and each metric judged against it
once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faultline_reports import comparison, metrics
from faultline_reports.comparison import Matrix
from faultline_reports.errors import Exit, UserError
from faultline_reports.metrics import Metric
from faultline_reports.model import Document


@dataclass(frozen=True)
class Analysis:
    document: Document
    baseline: str
    metrics: Sequence[Metric]
    matrices: Mapping[str, Matrix]  # by the metric's key
    anchors: Mapping[str, str]  # of each workload in the page
    false_alarms: str | None  # of this host, in words; None: not calibrated

    @property
    def time(self) -> Matrix:
        return self.matrices["cpu_ns_per_operation"]

    @property
    def memory(self) -> Matrix:
        return self.matrices[metrics.memory(self.document).key]


def analyse(document: Document, wished_baseline: str | None, false_alarms: str | None = None) -> Analysis:
    """Raises UserError for a baseline that is not one of the subjects."""
    names = [allocator.name for allocator in document.subjects()]
    if wished_baseline is not None and wished_baseline not in names:
        known = ", ".join(names) or "none"
        raise UserError(
            Exit.USAGE, "--baseline", f"{wished_baseline!r} is not in the document", f"it has {known}"
        )
    baseline = choose_baseline(document, wished_baseline)
    shown = metrics.reported(document)
    return Analysis(
        document,
        baseline,
        shown,
        {metric.key: comparison.matrix(document, metric, baseline) for metric in shown},
        {entry.label: f"w{index}" for index, entry in enumerate(document.workloads, 1)},
        false_alarms,
    )


def choose_baseline(document: Document, wished: str | None) -> str:
    """The wished one, else `system` where it ran, else the first that has a valid trial."""
    names = [allocator.name for allocator in document.subjects()]
    if wished is not None:
        return wished
    with_trials = {trial.allocator for trial in document.trials if trial.valid}
    ran = [name for name in names if name in with_trials]
    for name in ("system", *ran, *names):
        if name in (ran or names):
            return name
    return ""
