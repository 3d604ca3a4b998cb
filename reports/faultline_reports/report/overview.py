"""The first screen: the answer in a sentence, how far to trust it, and the table of allocators and
workloads."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from faultline_reports import formatting
from faultline_reports.comparison import Matrix
from faultline_reports.metrics import Metric
from faultline_reports.model import Document
from faultline_reports.report.analysis import Analysis
from faultline_reports.statistics.order import median_interval
from faultline_reports.statistics.verdict import Arms, Effect, Scale, Verdict, too_small

MARKS = {Verdict.HIGHER: "▲", Verdict.LOWER: "▼", Verdict.EQUIVALENT: "=", Verdict.INCONCLUSIVE: "?"}
HINTS = {1: "△", -1: "▽"}
STEPS = (1.1, 1.3, 2.0)  # ratios to the baseline at which a cell's colour grows stronger
TOO_SMALL = 1.02  # below this a difference that is not certain gets no colour


@dataclass(frozen=True)
class Cell:
    """A cell of a heat table. `remark` stands below its range. `shade` is -4 (much less than the
    baseline) to 4 (much more)."""

    value: str
    detail: str
    word: str
    mark: str
    shade: int
    note: str = ""
    certain: bool = False  # the verdict says higher or lower
    hatched: bool = False  # a shade without a verdict
    order: float | None = None  # by which a column is sorted: the estimate
    remark: str = ""

    @property
    def css(self) -> str:
        extra = " certain" if self.certain else " hatched" if self.hatched else ""
        return f"s{self.shade}{extra}"


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


def heats(analysis: Analysis) -> list[Heat]:
    return [_heat(analysis, analysis.matrices[metric.key]) for metric in analysis.metrics]


def _heat(analysis: Analysis, matrix: Matrix) -> Heat:
    document, anchors = analysis.document, analysis.anchors
    reasons = _reasons(document)
    names = [allocator.name for allocator in document.subjects()]
    rows = [
        HeatRow(
            workload.label,
            anchors[workload.label],
            [_cell(reasons, matrix, workload.label, name) for name in names],
        )
        for workload in document.compared_workloads()
    ]
    mean = (
        [_mean_cell(matrix, name, len(document.compared_workloads())) for name in names]
        if len(rows) > 1
        else None
    )
    return Heat(matrix.metric, rows, mean if matrix.means else None)


def _cell(reasons: Reasons, matrix: Matrix, label: str, name: str) -> Cell:
    metric = matrix.metric
    values = matrix.samples.get((label, name))
    if values is None:
        return Cell("—", reasons.get((label, name), "did not run"), "", "", 0)
    median = formatting.quantity(median_interval(list(values.values())).estimate, metric.unit)
    if name == matrix.baseline:
        return Cell(median, "baseline", "", "", 0)
    effect = matrix.cells.get((label, name))
    if effect is None:
        small = (label, matrix.baseline) in matrix.samples and too_small(
            Arms(matrix.samples[label, matrix.baseline], values, metric.margin)
        )
        return Cell(median, "too small to compare" if small else "no baseline", "", "", 0)
    remark = NOT_IN_MEAN if label in matrix.unsteady else ""
    return dataclasses.replace(effect_cell(effect, metric, median), remark=remark)


NOT_IN_MEAN = "not in the mean"


def effect_cell(effect: Effect, metric: Metric, note: str = "") -> Cell:
    value = formatting.effect_value(effect.shown.estimate, effect.scale, metric.unit)
    detail = formatting.effect_range(effect, metric.unit) if effect.samples > 1 else "one round"
    word, mark, shade = metric.word(effect.verdict), MARKS[effect.verdict], _shade(effect)
    if effect.verdict is Verdict.INCONCLUSIVE and effect.unanimous:
        mark = HINTS[effect.unanimous]
        word = f"{metric.higher if effect.unanimous > 0 else metric.lower} in all {effect.samples}"
    certain = effect.verdict in (Verdict.HIGHER, Verdict.LOWER)
    hatched = shade != 0 and not certain and not effect.unanimous
    return Cell(value, detail, word, mark, shade, note, certain, hatched, effect.shown.estimate)


def _shade(effect: Effect) -> int:
    """By the size of the difference alone, except that one that does not matter, or is small and doubtful,
    has none."""
    estimate = effect.shown.estimate
    if effect.verdict is Verdict.EQUIVALENT or estimate == 0:
        return 0
    if effect.scale is Scale.DIFFERENCE:  # no ratio, so no size that could be compared with other cells
        return 1 if estimate > 0 else -1
    doubtful = effect.verdict is Verdict.INCONCLUSIVE and not effect.unanimous
    if doubtful and abs(estimate) < math.log(TOO_SMALL):
        return 0
    step = 1 + sum(abs(estimate) >= math.log(limit) for limit in STEPS)
    return step if estimate > 0 else -step


def legend() -> list[tuple[str, str]]:
    """The colours of cells from much less to much more: (CSS class, what it stands for)."""
    less = [formatting.change(1 / limit) for limit in STEPS]
    more = [formatting.change(limit) for limit in STEPS]
    return [
        ("s-4", f"from {less[2]}"),
        ("s-3", f"from {less[1]}"),
        ("s-2", f"from {less[0]}"),
        ("s-1", "less"),
        ("s1", "more"),
        ("s2", f"from {more[0]}"),
        ("s3", f"from {more[1]}"),
        ("s4", f"from {more[2]}"),
    ]


def _mean_cell(matrix: Matrix, name: str, workloads: int) -> Cell:
    if name == matrix.baseline:
        return Cell("—", "baseline", "", "", 0)
    effect = matrix.means.get(name)
    if effect is None:
        arms = {arm for _, arm in matrix.samples}
        if name not in arms:
            return Cell("—", "no valid trial", "", "", 0)
        return Cell("—", "no round has all" if matrix.mean_of[name] else "nothing to compare", "", "", 0)
    used = len(matrix.mean_of[name])
    remark = "" if used == workloads else f"over {used} of {workloads}"
    return dataclasses.replace(effect_cell(effect, matrix.metric), remark=remark)


Reasons = dict[tuple[str, str], str]


def _reasons(document: Document) -> Reasons:
    """Why a pair that has no figure has none, in two words; pairs that did not run are not in it."""
    reasons: Reasons = {}
    for trial in document.trials:
        if trial.valid or (trial.workload, trial.allocator) not in reasons:
            reasons[trial.workload, trial.allocator] = "not measured" if trial.valid else "no valid trial"
    return reasons


def before(document: Document) -> list[tuple[str, str]]:
    """What each subject's process held before its first operation, where the document tells: the median over
    all its valid trials."""
    held: dict[str, list[float]] = {}
    for trial in document.trials:
        if trial.valid and trial.baseline_rss_bytes is not None:
            held.setdefault(trial.allocator, []).append(trial.baseline_rss_bytes)
    return [
        (entry.name, formatting.quantity(median_interval(held[entry.name]).estimate, "bytes"))
        for entry in document.subjects()
        if entry.name in held
    ]
