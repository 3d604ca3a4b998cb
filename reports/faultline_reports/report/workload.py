"""One workload of the report: its table, pictures and details."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from faultline_reports import comparison, formatting
from faultline_reports.metrics import Metric
from faultline_reports.model import Allocator, Document, Trial, Workload
from faultline_reports.report import details, figures, reproduce
from faultline_reports.report.analysis import Analysis
from faultline_reports.report.details import PHASES, Trials, known, medians
from faultline_reports.report.overview import Cell, effect_cell
from faultline_reports.statistics.order import median_interval
from faultline_reports.statistics.verdict import Arms, judge_paired, too_small


@dataclass(frozen=True)
class Value:
    median: str
    interval: str
    against: Cell | None
    note: str = ""


@dataclass(frozen=True)
class ArmRow:
    name: str
    floor: bool
    baseline: bool
    trials: str
    values: Sequence[Value]


@dataclass(frozen=True)
class Picture:
    title: str
    caption: str
    svg: Markup


@dataclass(frozen=True)
class View:
    workload: Workload
    anchor: str
    arms: Sequence[ArmRow]
    pictures: Sequence[Picture]
    missing: Sequence[str]  # what could not be measured, with the reason
    phases: Sequence[details.PhaseRow]
    memory: details.Grid | None
    latency: details.Grid | None
    kernel: details.Grid | None
    floor_cost: str
    command: str
    notes: Sequence[str]  # what trials remarked, each once
    skipped: Sequence[str]


def view(analysis: Analysis, workload: Workload, run: Sequence[Trial]) -> View:
    """Of one workload; `run` are its trials."""
    document, label = analysis.document, workload.label
    anchor = analysis.anchors[label]
    trials: dict[str, list[Trial]] = {}
    for trial in run:
        if trial.valid:
            trials.setdefault(trial.allocator, []).append(trial)
    shown = [allocator for allocator in document.allocators if allocator.name in trials]
    tables = {metric.key: _by_arm(metric, trials) for metric in analysis.metrics}
    return View(
        workload=workload,
        anchor=anchor,
        arms=_arms(analysis, run, tables, trials),
        pictures=_pictures(analysis.metrics, shown, tables, trials, anchor, label),
        missing=_missing(analysis, tables, trials),
        phases=details.phases(shown, trials),
        memory=details.memory(shown, trials),
        latency=details.latency(shown, trials),
        kernel=details.kernel(document, shown, trials),
        floor_cost=_floor_cost(document, tables),
        command=reproduce.row(document, workload),
        notes=list(dict.fromkeys(note for arm in trials.values() for trial in arm for note in trial.notes))[
            :8
        ],
        skipped=[
            f"{row.allocator or 'every allocator'}: {row.reason}"
            for row in document.skipped
            if row.workload == label
        ],
    )


ByArm = dict[str, dict[int, float]]


def _by_arm(metric: Metric, trials: Trials) -> ByArm:
    values = {
        name: {trial.round: value for trial in arm if (value := metric.of(trial)) is not None}
        for name, arm in trials.items()
    }
    return {name: table for name, table in values.items() if table}


def _arms(
    analysis: Analysis, run: Sequence[Trial], tables: Mapping[str, ByArm], trials: Trials
) -> list[ArmRow]:
    baseline, counts = analysis.baseline, Counter(trial.allocator for trial in run)
    ran = [allocator for allocator in analysis.document.allocators if counts[allocator.name]]
    places = [
        (metric, allocator.name) for metric in analysis.metrics for allocator in ran if not allocator.floor
    ]
    family = [
        Arms(tables[metric.key].get(baseline, {}), tables[metric.key].get(name, {}), metric.margin)
        for metric, name in places
        if name != baseline
    ]
    judged = iter(judge_paired(family))
    effects = {(metric.key, name): next(judged) for metric, name in places if name != baseline}
    rows = []
    for allocator in ran:
        values = []
        for metric in analysis.metrics:
            samples = tables[metric.key].get(allocator.name)
            if samples is None:
                values.append(
                    Value("—", "not measured" if allocator.name in trials else "no valid trial", None)
                )
                continue
            middle = median_interval(list(samples.values()))
            effect = effects.get((metric.key, allocator.name))
            base = tables[metric.key].get(baseline, {})
            small = not allocator.floor and bool(base) and too_small(Arms(base, samples, metric.margin))
            low, high = (formatting.quantity(bound, metric.unit) for bound in (middle.low, middle.high))
            values.append(
                Value(
                    formatting.quantity(middle.estimate, metric.unit),
                    low if low == high else f"{low} to {high}",
                    effect_cell(effect, metric) if effect else None,
                    "too small to compare" if small and allocator.name != baseline else "",
                )
            )
        count = counts[allocator.name]
        valid = len(trials.get(allocator.name, []))
        note = f"{valid}" if valid == count else f"{valid} of {count}"
        rows.append(ArmRow(allocator.name, allocator.floor, allocator.name == baseline, note, values))
    return rows


def _pictures(
    metrics: Sequence[Metric],
    shown: Sequence[Allocator],
    tables: Mapping[str, ByArm],
    trials: Trials,
    anchor: str,
    label: str,
) -> list[Picture]:
    pictures = []
    for metric in metrics:
        rows = [
            figures.Strip(
                allocator.name,
                [value for _, value in sorted(tables[metric.key][allocator.name].items())],
                median_interval(list(tables[metric.key][allocator.name].values())),
            )
            for allocator in shown
            if allocator.name in tables[metric.key] and not allocator.floor
        ]
        if rows:
            words = f"{metric.title} of {label}: every sample of each allocator, with median and interval"
            svg = figures.strips(rows, metric.unit, f"{anchor}-{metric.key}", words)
            pictures.append(Picture(metric.title, "", svg))
    harness = [
        trial.harness_bytes + (trial.harness_file_bytes or 0.0)
        for name in trials
        for trial in trials[name]
        if trial.harness_bytes
    ]
    courses = [
        course
        for allocator in shown
        if not allocator.floor and (course := _course(allocator, trials[allocator.name]))
    ]
    if courses:
        words = f"Resident memory over time of {label}, one trial of each allocator"
        caption = (
            "The trial with the median peak of each. Shaded: the measured phase. Ticks: where phases begin."
        )
        if harness:
            own = formatting.quantity(median_interval(harness).estimate, "bytes")
            caption += f" It includes the harness's own {own}."
        pictures.append(
            Picture("Memory over time", caption, figures.courses(courses, f"{anchor}-course", words))
        )
    for operation in _operations(trials):
        size_class = _commonest_class(trials, operation)
        rows_of = [
            figures.Tail(allocator.name, points)
            for allocator in shown
            if not allocator.floor and (points := _percentiles(trials[allocator.name], operation, size_class))
        ]
        words = f"Latency percentiles of {operation} in {label}"
        caption = f"{_of_class(size_class)}. Marks: percent of calls at least this fast; medians over trials."
        svg = figures.tails(rows_of, f"{anchor}-latency-{len(pictures)}", words)
        pictures.append(Picture(f"Latency of {operation}", caption, svg))
    return pictures


def _course(allocator: Allocator, trials: Sequence[Trial]) -> figures.Course | None:
    able = [trial for trial in trials if "rss_bytes" in trial.series and trial.series["rss_bytes"].at_ns]
    if not able:
        return None
    trial = sorted(able, key=lambda entry: entry.peak_rss_bytes or 0.0)[len(able) // 2]
    series = trial.series["rss_bytes"]
    zero = trial.begin_ns if trial.begin_ns is not None else series.at_ns[0]
    points = [(time - zero, value) for time, value in zip(series.at_ns, series.values) if time >= zero]
    if not points:
        return None
    phases = [
        (phase.name, phase.begin_ns - zero, phase.begin_ns - zero + phase.wall_ns)
        for name in PHASES
        if (phase := trial.phases.get(name)) and phase.begin_ns is not None and phase.wall_ns is not None
    ]
    return figures.Course(allocator.name, [at for at, _ in points], [value for _, value in points], phases)


def _operations(trials: Trials) -> list[str]:
    """Operations with latencies, at most three in pictures; the table has all."""
    names = dict.fromkeys(
        row.operation for arm in trials.values() for trial in arm for row in trial.latency if row.count
    )
    return list(names)[:3]


def _commonest_class(trials: Trials, operation: str) -> str:
    """The size class that has the most calls, one for all allocators, so that their rows can be compared."""
    counts: dict[str, float] = {}
    for row in (row for arm in trials.values() for trial in arm for row in trial.latency):
        if row.operation == operation:
            counts[row.size_class] = counts.get(row.size_class, 0.0) + row.count
    return max(counts, key=lambda name: counts[name])


def _of_class(size_class: str) -> str:
    return f"Blocks of size class {size_class}" if size_class.isdigit() else "Blocks of every size"


def _percentiles(trials: Sequence[Trial], operation: str, size_class: str) -> list[tuple[str, float]]:
    """Medians over trials: a quantile is taken in each trial first."""
    rows = [row for trial in trials for row in trial.latency]
    return medians([known(row) for row in rows if (row.operation, row.size_class) == (operation, size_class)])


def _missing(analysis: Analysis, tables: Mapping[str, ByArm], trials: Trials) -> list[str]:
    if not trials:
        return []
    lines = [
        f"{metric.title}: {comparison.why_not_measured(analysis.document, metric)}"
        for metric in analysis.metrics
        if not tables[metric.key]
    ]
    if not any("rss_bytes" in trial.series for arm in trials.values() for trial in arm):
        lines.append("Memory over time: not measured")
    if not any(trial.latency for arm in trials.values() for trial in arm):
        lines.append("Latency of single operations: not recorded in this workload")
    return lines


def _floor_cost(document: Document, tables: Mapping[str, ByArm]) -> str:
    """The harness's own cost as a sentence. The floor bounds it, in CPU time per operation, unless memory
    that is never used twice, and so never in a cache, costs it more than the allocators under test take
    altogether; then the fastest of them is the bound."""
    costs = {
        name: median_interval(list(values.values())).estimate
        for name, values in tables["cpu_ns_per_operation"].items()
    }
    floors = [costs[floor.name] for floor in document.floors() if floor.name in costs]
    subjects = [costs[subject.name] for subject in document.subjects() if subject.name in costs]
    if not floors:
        return ""
    floor = formatting.quantity(min(floors), "ns")
    if not subjects or min(floors) < min(subjects):
        return f"The harness itself, as the floor shows, costs at most {floor} of CPU time per operation."
    least = formatting.quantity(min(subjects), "ns")
    return (
        f"The harness itself costs less than {least} of CPU time per operation. The floor cannot say it "
        f"closer here: it never reuses memory, so its blocks are never in a cache, and it needs {floor}."
    )
