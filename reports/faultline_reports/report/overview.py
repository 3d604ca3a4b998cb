"""The first screen: the answer in a sentence, how far to trust it, and the table of allocators and
workloads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from faultline_reports import comparison, formatting
from faultline_reports.comparison import Matrix
from faultline_reports.metrics import METRICS, Metric
from faultline_reports.model import Document
from faultline_reports.statistics.order import median_interval
from faultline_reports.statistics.verdict import Effect, Scale, Verdict

MARKS = {Verdict.HIGHER: "▲", Verdict.LOWER: "▼", Verdict.EQUIVALENT: "=", Verdict.INCONCLUSIVE: "?"}
HINTS = {1: "△", -1: "▽"}


@dataclass(frozen=True)
class Cell:
    """A cell of a heat table. `shade` is -4 (much less than the baseline) to 4 (much more)."""

    value: str
    detail: str
    word: str
    mark: str
    shade: int
    note: str = ""


@dataclass(frozen=True)
class HeatRow:
    workload: str
    anchor: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Heat:
    metric: Metric
    rows: Sequence[HeatRow]
    mean: Sequence[Cell] | None


def choose_baseline(document: Document, wished: str | None) -> str:
    """The wished one, else `system` where it ran, else the first that has a valid trial."""
    names = [allocator.name for allocator in document.subjects()]
    if wished is not None:
        return wished
    ran = [
        name for name in names if any(trial.valid and trial.allocator == name for trial in document.trials)
    ]
    for name in ("system", *ran, *names):
        if name in (ran or names):
            return name
    return ""


def heats(document: Document, baseline: str, anchors: dict[str, str]) -> list[Heat]:
    return [_heat(document, comparison.matrix(document, metric, baseline), anchors) for metric in METRICS]


def _heat(document: Document, matrix: Matrix, anchors: dict[str, str]) -> Heat:
    names = [allocator.name for allocator in document.subjects()]
    rows = [
        HeatRow(
            workload.label,
            anchors[workload.label],
            [_cell(document, matrix, workload.label, name) for name in names],
        )
        for workload in document.workloads
    ]
    mean = [_mean_cell(matrix, name, len(document.workloads)) for name in names] if len(rows) > 1 else None
    return Heat(matrix.metric, rows, mean if matrix.means else None)


def _cell(document: Document, matrix: Matrix, label: str, name: str) -> Cell:
    metric = matrix.metric
    values = matrix.samples.get((label, name))
    if values is None:
        return Cell("—", _short_reason(document, label, name), "", "", 0)
    median = formatting.quantity(median_interval(list(values.values())).estimate, metric.unit)
    if name == matrix.baseline:
        return Cell(median, "baseline", "", "", 0)
    effect = matrix.cells.get((label, name))
    if effect is None:
        return Cell(median, "no baseline", "", "", 0)
    return effect_cell(effect, metric, median)


def effect_cell(effect: Effect, metric: Metric, note: str = "") -> Cell:
    value = formatting.effect_value(effect.shown.estimate, effect.scale, metric.unit)
    detail = formatting.effect_range(effect, metric.unit) if effect.samples > 1 else "one round"
    word, mark, shade = metric.word(effect.verdict), MARKS[effect.verdict], _shade(effect)
    if effect.verdict is Verdict.INCONCLUSIVE and effect.unanimous:
        mark = HINTS[effect.unanimous]
        word = f"{metric.higher if effect.unanimous > 0 else metric.lower} in all {effect.samples}"
    return Cell(value, detail, word, mark, shade, note)


def _shade(effect: Effect) -> int:
    if effect.verdict is Verdict.EQUIVALENT or (
        effect.verdict is Verdict.INCONCLUSIVE and not effect.unanimous
    ):
        return 0
    if effect.scale is Scale.DIFFERENCE:
        return 1 if effect.shown.estimate > 0 else -1
    size = abs(effect.shown.estimate)
    step = 1 + sum(size >= math.log(limit) for limit in (1.1, 1.3, 2.0))
    return step if effect.shown.estimate > 0 else -step


def _mean_cell(matrix: Matrix, name: str, workloads: int) -> Cell:
    if name == matrix.baseline:
        return Cell("—", "baseline", "", "", 0)
    effect = matrix.means.get(name)
    if effect is None:
        arms = {arm for _, arm in matrix.samples}
        return Cell("—", "no round has all workloads" if name in arms else "no valid trial", "", "", 0)
    used = len(matrix.mean_of[name])
    return effect_cell(effect, matrix.metric, "" if used == workloads else f"over {used} of {workloads}")


def _short_reason(document: Document, label: str, name: str) -> str:
    trials = [trial for trial in document.trials if (trial.workload, trial.allocator) == (label, name)]
    if not trials:
        return "did not run"
    return "not measured" if any(trial.valid for trial in trials) else "no valid trial"
