"""From result documents to what the gate asks: for each workload and metric the paired differences of two
arms."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from faultline_reports import metrics
from faultline_reports.calibration import Key
from faultline_reports.comparison import why_not_measured
from faultline_reports.gate.decision import Question, Rule, Tier
from faultline_reports.metrics import Metric
from faultline_reports.model import Document, Trial
from faultline_reports.statistics.thresholds import GATE_INVALID_SHARE
from faultline_reports.statistics.verdict import Arms, Scale, paired_differences, too_small


@dataclass(frozen=True)
class Asked:
    workload: str
    metric: Metric
    question: Question
    candidate: float  # median; nan when there is none
    missing: str  # why nothing can be said, "" when something can

    @property
    def key(self) -> Key:
        return self.workload, self.metric.key


def ask(
    document: Document,
    base: str,
    candidate: str,
    rules: Sequence[tuple[Metric, Rule]],
    noise: Mapping[Key, Sequence[float]],
    rounds: Collection[int] | None = None,
) -> list[Asked]:
    """In the order of workloads and rules; over `rounds` when given. Metrics that no trial has are left out,
    and what is too small in both arms to be compared."""
    found: list[Asked] = []
    told = [(metrics.told_by(metric, document), rule) for metric, rule in rules]
    tables = {metric.key: metrics.samples(document, metric) for metric, _ in told}
    for workload in document.workloads:
        for metric, rule in told:
            table = tables[metric.key]
            arms = Arms(
                _rounds(table.get((workload.label, base), {}), rounds),
                _rounds(table.get((workload.label, candidate), {}), rounds),
                metric.margin,
            )
            if not table or (arms.base and arms.candidate and too_small(arms)):
                continue
            known = noise.get((workload.label, metric.key), ())
            found.append(_one(document, workload.label, metric, rule, arms, known))
    return found


def measured(document: Document, rules: Sequence[tuple[Metric, Rule]]) -> set[str]:
    """The keys of the rules whose metric some trial has, or what is compared in its place."""
    return {metric.key for metric, _ in rules if metrics.samples(document, metrics.told_by(metric, document))}


def _rounds(values: Mapping[int, float], rounds: Collection[int] | None) -> dict[int, float]:
    return {n: value for n, value in values.items() if rounds is None or n in rounds}


def _one(
    document: Document,
    workload: str,
    metric: Metric,
    rule: Rule,
    arms: Arms,
    noise: Sequence[float],
) -> Asked:
    base, candidate = arms.base, arms.candidate
    scale, differences = compared(arms, rule)
    missing = ""
    if not differences:
        scale = Scale.DIFFERENCE  # there is nothing to take ratios of
        missing = why_not_measured(document, metric)
        if base and candidate:
            missing = "no round holds both arms"
    medians = [
        float(np.median(list(values.values()))) if values else float("nan") for values in (base, candidate)
    ]
    if scale is not Scale.RATIO:  # what is stored are ratios
        noise = [medians[0] * math.expm1(value) for value in noise] if differences and medians[0] > 0 else ()
    question = Question(rule, scale, medians[0] if base else 0.0, differences, noise)
    return Asked(workload, metric, question, medians[1], missing)


def compared(arms: Arms, rule: Rule) -> tuple[Scale, dict[int, float]]:
    """The differences by round. A count whose absolute limit is the larger one is compared by amounts: of
    three calls one more or less is a third, and nothing."""
    scale, differences = paired_differences(arms)
    if scale is Scale.RATIO and differences and rule.tier is Tier.COUNT:
        typical = float(np.median(list(arms.base.values())))
        if rule.absolute > rule.relative * typical:
            return Scale.DIFFERENCE, {n: arms.candidate[n] - arms.base[n] for n in differences}
    return scale, differences


@dataclass(frozen=True)
class Validity:
    """Of a workload's trials: which arm does not run, with the reason of its first bad trial."""

    workload: str
    arm: str
    invalid: int
    trials: int
    reason: str

    @property
    def often(self) -> bool:
        """Too often to be bad luck, were there enough trials to tell."""
        return self.invalid >= GATE_INVALID_SHARE * self.trials


def invalid(document: Document, arms: Sequence[str]) -> list[Validity]:
    found = []
    for workload in document.workloads:
        for arm in arms:
            own = [t for t in document.trials if (t.workload, t.allocator) == (workload.label, arm)]
            bad = [trial for trial in own if not trial.valid]
            if bad:
                found.append(Validity(workload.label, arm, len(bad), len(own), _reason(bad[0])))
    return found


def _reason(trial: Trial) -> str:
    return trial.invalid_reason or trial.exit or "no reason given"
