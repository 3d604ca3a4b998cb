"""Two arms over documents of different hosts: each compared at home, then joined by random effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from faultline_reports import comparison, formatting, metrics
from faultline_reports.errors import Exit, UserError
from faultline_reports.metrics import Metric
from faultline_reports.model import Document
from faultline_reports.statistics import random_effects
from faultline_reports.statistics.random_effects import Joined
from faultline_reports.statistics.verdict import Scale

HEADS = (
    "workload",
    "metric",
    "hosts",
    "average",
    "95 % interval",
    "one more host",
    "between hosts",
    "I²",
    "p",
)


@dataclass(frozen=True)
class Row:
    workload: str
    metric: Metric
    joined: Joined | None
    missing: str


def join(documents: Sequence[Document], base: str, candidate: str) -> list[Row]:
    """Raises UserError for documents that have no arms or workloads to compare, or are of one host."""
    _check(documents, (base, candidate))
    labels = [workload.label for workload in documents[0].workloads]
    common = [
        label for label in labels if all(label in (w.label for w in other.workloads) for other in documents)
    ]
    if not common:
        where = " and ".join(document.source for document in documents)
        raise UserError(Exit.DATA, where, "have no workload in common", "join runs of one suite")
    told = metrics.reported(*documents)
    compared = [
        {(row.workload, row.metric.key): row for row in comparison.within(document, base, candidate, told)}
        for document in documents
    ]
    return [
        _row(label, metric, [rows[label, metric.key] for rows in compared])
        for label in common
        for metric in told
    ]


def _check(documents: Sequence[Document], arms: tuple[str, str]) -> None:
    first = documents[0]
    for document in documents:
        for arm in arms:
            if document.allocator(arm) is None:
                names = ", ".join(allocator.name for allocator in document.allocators) or "none"
                raise UserError(Exit.USAGE, document.source, f"has no allocator {arm!r}", f"it has {names}")
        known = {workload.label: comparison.work_of(workload) for workload in first.workloads}
        for workload in document.workloads:
            if workload.label in known and known[workload.label] != comparison.work_of(workload):
                where = f"{first.source} and {document.source}"
                raise UserError(
                    Exit.DATA, where, f"the parameters of {workload.label} differ", "run one suite"
                )
    if len({document.fingerprint for document in documents}) < len(documents):
        where = " and ".join(document.source for document in documents)
        raise UserError(
            Exit.DATA,
            where,
            "are not all of different hosts",
            "join parts of one host's run by a plain merge first",
        )


def _row(label: str, metric: Metric, rows: Sequence[comparison.Row]) -> Row:
    effects = [row.effect for row in rows if row.effect is not None and row.effect.scale is Scale.RATIO]
    if len(effects) < len(rows):
        reasons = [row.missing for row in rows if row.missing]
        return Row(label, metric, None, reasons[0] if reasons else "is 0 somewhere: there are no ratios")
    errors = [random_effects.standard_error(effect.shown) for effect in effects]
    known = [error for error in errors if error is not None]
    if len(known) < len(rows):
        return Row(label, metric, None, "too few rounds on one host for an interval")
    return Row(label, metric, random_effects.join([effect.shown.estimate for effect in effects], known), "")


def cells(row: Row) -> list[str]:
    found = row.joined
    if found is None:
        return [row.workload, row.metric.short, "-", "-", "-", "-", "-", "-", row.missing]

    def change(value: float) -> str:
        return formatting.effect_value(value, Scale.RATIO, "")

    predicted = "-"
    if found.hosts > 2:
        predicted = f"{change(found.predicted_low)} to {change(found.predicted_high)}"
    return [
        row.workload,
        row.metric.short,
        str(found.hosts),
        change(found.estimate),
        f"{change(found.low)} to {change(found.high)}",
        predicted,
        change(found.between).lstrip("+"),
        formatting.percent(round(found.share, 2)),
        f"{found.p:.2g}",
    ]


def json_row(row: Row) -> dict[str, Any]:
    value: dict[str, Any] = {"workload": row.workload, "metric": row.metric.key, "missing": row.missing}
    found = row.joined
    if found is not None:
        value |= {
            "hosts": found.hosts,
            "log_ratio": found.estimate,
            "interval": [found.low, found.high],
            "prediction_interval": [found.predicted_low, found.predicted_high] if found.hosts > 2 else None,
            "between_hosts": found.between,
            "i_squared": found.share,
            "p_homogeneous": found.p,
        }
    return value
