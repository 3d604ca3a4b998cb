"""Comparisons of arms over workloads and metrics, from documents. What `compare` prints and `report`
colours."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from faultline_reports import metrics
from faultline_reports.metrics import Metric, Samples
from faultline_reports.model import Document, Workload
from faultline_reports.statistics import signed_rank
from faultline_reports.statistics.order import median_interval
from faultline_reports.statistics.thresholds import UNKNOWN_SPAN
from faultline_reports.statistics.verdict import (
    Arms,
    Effect,
    Scale,
    judge_paired,
    judge_unpaired,
    paired_differences,
    too_small,
)


@dataclass(frozen=True)
class Row:
    """One workload and metric. `effect` is None, with the reason, where nothing can be compared."""

    workload: str
    metric: Metric
    base: float | None  # medians
    candidate: float | None
    effect: Effect | None
    missing: str
    drifting: bool = False  # times from different moments without a reference: never a verdict


def work_of(workload: Workload) -> dict[str, str]:
    """What decides which operations are done. The same trace may lie in another directory."""
    values = {"threads": str(workload.threads), **workload.parameters}
    if "trace" in values:
        values["trace"] = os.path.basename(values["trace"])
    return values


def json_row(row: Row, verdict: str, note: str) -> dict[str, Any]:
    """A row as the commands print it; `verdict` and `note` are their words."""
    effect = row.effect
    result: dict[str, Any] = {
        "workload": row.workload,
        "metric": row.metric.key,
        "base_median": row.base,
        "candidate_median": row.candidate,
        "verdict": verdict,
        "note": note,
        "samples": effect.samples if effect else 0,
    }
    if effect:
        result |= {
            "scale": "log_ratio" if effect.scale is Scale.RATIO else "difference",
            "estimate": effect.shown.estimate,
            "interval": [effect.shown.low, effect.shown.high],
            "confidence": effect.shown.confidence,
            "simultaneous_interval": list(effect.together) if effect.together else None,
        }
    return result


def _median(values: dict[int, float] | None) -> float | None:
    return median_interval(list(values.values())).estimate if values else None


def _missing(document: Document, workload: str, allocator: str, metric: Metric) -> str:
    """Why an arm has no value, in words."""
    trials = [
        trial for trial in document.trials if (trial.workload, trial.allocator) == (workload, allocator)
    ]
    for row in document.skipped:
        if row.workload in ("", "*", workload) and row.allocator in ("", "*", allocator) and not trials:
            return f"{allocator} was skipped: {row.reason}"
    if not trials:
        return f"{allocator} did not run {workload}"
    if not any(trial.valid for trial in trials):
        return (
            f"{allocator}: no valid trial ({trials[0].invalid_reason or trials[0].exit or 'no reason given'})"
        )
    return f"{allocator}: {why_not_measured(document, metric)}"


def why_not_measured(document: Document, metric: Metric) -> str:
    reasons = [
        row.reason
        for row in document.capabilities
        if row.group == metric.group and row.status != "ok" and row.reason
    ]
    return f"not measured: {reasons[0]}" if reasons else "not measured"


def within(
    document: Document, base: str, candidate: str, compared: Sequence[Metric] | None = None
) -> list[Row]:
    """Two allocators of one document, paired by round; every row is judged together with all others.
    `compared`: by default what all commands compare, as the document can tell it."""
    compared = metrics.reported(document) if compared is None else compared
    rows: list[Row] = []
    families: list[Arms] = []
    tables = {metric.key: metrics.samples(document, metric) for metric in compared}
    places = [(workload.label, metric) for workload in document.compared_workloads() for metric in compared]
    for label, metric in places:
        table = tables[metric.key]
        families.append(Arms(table.get((label, base), {}), table.get((label, candidate), {}), metric.margin))
    for (label, metric), arms, effect in zip(places, families, judge_paired(families)):
        missing = ""
        if not arms.base or not arms.candidate:
            missing = _missing(document, label, candidate if arms.base else base, metric)
        elif effect is None:
            missing = "too small to compare" if too_small(arms) else "no round holds a valid trial of both"
        rows.append(
            Row(label, metric, _median(dict(arms.base)), _median(dict(arms.candidate)), effect, missing)
        )
    return rows


def between(old: Document, new: Document, allocator: str, reference: str | None) -> list[Row]:
    """One allocator in two documents. Rounds of different runs have nothing in common, so arms are unpaired;
    times are taken relative to `reference`, measured in the same rounds, and without one they get no
    verdict."""
    labels = [workload.label for workload in old.workloads]
    common = [workload.label for workload in new.workloads if workload.label in labels]
    compared = metrics.reported(old, new)
    places = [(label, metric) for label in common for metric in compared]
    families: list[Arms] = []
    plain: list[tuple[dict[int, float], dict[int, float]]] = []
    tables = {metric.key: (metrics.samples(old, metric), metrics.samples(new, metric)) for metric in compared}
    for label, metric in places:
        first, second = tables[metric.key]
        plain.append((first.get((label, allocator), {}), second.get((label, allocator), {})))
        if reference is not None and metric.unit == "ns":
            families.append(
                Arms(
                    _relative(first, label, allocator, reference),
                    _relative(second, label, allocator, reference),
                    metric.margin,
                )
            )
        else:
            families.append(Arms(*plain[-1], metric.margin))
    rows: list[Row] = []
    for (label, metric), (first_values, second_values), effect in zip(
        places, plain, judge_unpaired(families)
    ):
        missing = ""
        if not first_values or not second_values:
            missing = _missing(new if first_values else old, label, allocator, metric)
        elif effect is None:
            small = too_small(Arms(first_values, second_values, metric.margin))
            missing = (
                "too small to compare" if small else f"no round holds both {allocator} and the reference"
            )
        drifting = metric.unit == "ns" and reference is None
        rows.append(
            Row(label, metric, _median(first_values), _median(second_values), effect, missing, drifting)
        )
    return rows


def _relative(table: Samples, label: str, allocator: str, reference: str) -> dict[int, float]:
    subject, pinned = table.get((label, allocator), {}), table.get((label, reference), {})
    return {
        number: subject[number] / pinned[number]
        for number in subject.keys() & pinned.keys()
        if pinned[number] > 0
    }


@dataclass(frozen=True)
class Matrix:
    """One metric over all workloads and subjects, relative to a baseline and judged together."""

    metric: Metric
    baseline: str
    samples: Samples
    cells: dict[tuple[str, str], Effect]  # (workload, allocator), the baseline's own left out
    means: dict[str, Effect]  # allocator -> effect of the geometric mean over `mean_of[allocator]`
    mean_of: dict[str, list[str]]
    unsteady: Sequence[str] = ()  # workloads left out of every mean: steady_labels()


def matrix(document: Document, metric: Metric, baseline: str) -> Matrix:
    table = metrics.samples(document, metric)
    others = [allocator.name for allocator in document.subjects() if allocator.name != baseline]
    places = [(workload.label, name) for workload in document.compared_workloads() for name in others]
    family = [
        Arms(table.get((label, baseline), {}), table.get((label, name), {}), metric.margin)
        for label, name in places
    ]
    mean_of: dict[str, list[str]] = {}
    labels = [workload.label for workload in document.compared_workloads()]
    steady = steady_labels(labels, dict(zip(places, family)))
    for name in others:
        mean, used = mean_arms(table, steady, baseline, name, metric)
        family.append(mean)
        mean_of[name] = used
    effects = judge_paired(family)
    cells = {place: effect for place, effect in zip(places, effects) if effect is not None}
    means = {name: effect for name, effect in zip(others, effects[len(places) :]) if effect is not None}
    unsteady = [label for label in labels if label not in steady]
    return Matrix(metric, baseline, table, cells, means, mean_of, unsteady)


def steady_labels(labels: Sequence[str], family: Mapping[tuple[str, str], Arms]) -> list[str]:
    """Without the workloads whose rounds tell nobody's ratio to the baseline: each one's interval spans more
    than UNKNOWN_SPAN. It is looked at how precise a ratio is, never at which one, and for all allocators at
    once, so that their means are over the same workloads; rounds enough bring a workload back. Where nothing
    would be left nothing is left out."""
    known: dict[str, bool] = {}
    span = math.log(UNKNOWN_SPAN)
    for (label, _), arms in family.items():
        scale, differences = paired_differences(arms)
        if differences and scale is Scale.RATIO:
            values = list(differences.values())
            known[label] = known.get(label, False) or max(values) - min(values) <= span or _told(values, span)
    return [label for label in labels if known.get(label, True)] if any(known.values()) else list(labels)


def _told(differences: Sequence[float], span: float) -> bool:
    shown = signed_rank.interval(differences)
    return shown.high - shown.low <= span


def mean_arms(
    table: Samples, labels: Sequence[str], base: str, candidate: str, metric: Metric
) -> tuple[Arms, list[str]]:
    """The arms of the geometric mean, and the workloads it is over: those that both ran with values above 0.
    A round counts when it has all of them."""
    used: list[str] = []
    logs: list[dict[int, float]] = []
    for label in labels:
        arms = Arms(table.get((label, base), {}), table.get((label, candidate), {}), metric.margin)
        scale, differences = paired_differences(arms)
        if differences and scale is Scale.RATIO:
            used.append(label)
            logs.append(differences)
    rounds = set.intersection(*(set(entry) for entry in logs)) if logs else set()
    ratios = {n: math.exp(sum(entry[n] for entry in logs) / len(logs)) for n in sorted(rounds)}
    margin_without_amount = type(metric.margin)(metric.margin.relative)
    return Arms({n: 1.0 for n in ratios}, ratios, margin_without_amount), used
