"""One workload of the report: its table, pictures and details."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faultline_reports import comparison, formatting
from faultline_reports.metrics import Metric
from faultline_reports.model import Allocator, Document, Trial, Workload
from faultline_reports.report import (
    bands,
    counted,
    details,
    figures,
    fragmentation,
    kernel,
    latency,
    raw,
    reproduce,
    shares,
)
from faultline_reports.report.analysis import Analysis
from faultline_reports.report.details import PHASES, Trials
from faultline_reports.report.drawing import Grid, Picture
from faultline_reports.report.overview import Cell, effect_cell
from faultline_reports.statistics.order import median_interval
from faultline_reports.statistics.verdict import Arms, Scale, judge_paired, too_small


# With more workloads only the pictures that most is seen in are drawn; a report of some of them has all.
MOST_WITH_ALL = 24
ESSENTIAL = ("cpu_ns_per_operation", "peak_heap_bytes", "peak_rss_bytes")


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
class View:
    workload: Workload
    anchor: str
    arms: Sequence[ArmRow]
    pictures: Sequence[Picture]
    missing: Sequence[str]  # what could not be measured, with the reason
    phases: Sequence[details.PhaseRow]
    memory: Grid | None
    shares: Grid | None  # what resident memory is made of
    latency: Grid | None
    latency_of_classes: Grid | None
    more_latency: Sequence[Picture]
    live: Grid | None
    counts: Grid | None  # all the kernel's counts
    zeros: Sequence[str]  # the names of those that are 0 for every allocator
    kernel: kernel.Part
    samples: str  # CSV
    floor_cost: str
    command: str
    notes: Sequence[str]  # what trials remarked, each once
    skipped: Sequence[str]


def view(
    analysis: Analysis,
    workload: Workload,
    run: Sequence[Trial],
    counted_run: Sequence[Trial],
    divided_run: Sequence[Trial] = (),
    draws: bool = True,
) -> View:
    """Of one workload; `run` are its trials, `counted_run` those with the probes that slow down,
    `divided_run` those that kept what live blocks occupy. `draws`: with pictures."""
    document, label = analysis.document, workload.label
    trials: dict[str, list[Trial]] = {}
    for trial in run:
        if trial.valid:
            trials.setdefault(trial.allocator, []).append(trial)
    shown = [allocator for allocator in document.allocators if allocator.name in trials]
    counts: dict[str, list[Trial]] = {}
    for trial in counted_run:
        if trial.valid:
            counts.setdefault(trial.allocator, []).append(trial)
    names = [entry.name for entry in shown if not entry.floor]
    kernel_arms = counted.of(names, trials, counts)
    effects = {name: analysis.time.cells.get((label, name)) for name in names}
    part = kernel.part(document, kernel_arms, analysis.baseline, effects, draws)
    figures_of_kernel, zeros = details.kernel(document, kernel_arms)
    tables = {metric.key: _by_arm(metric, trials) for metric in analysis.metrics}
    calls = latency.collect(shown, trials)
    floors = [entry.name for entry in shown if entry.floor]
    few = len(document.workloads) <= MOST_WITH_ALL
    divided = shares.of(document, shown, divided_run)
    return View(
        workload=workload,
        anchor=analysis.anchors[label],
        arms=_arms(analysis, run, tables, trials),
        pictures=_pictures(analysis, shown, tables, trials, calls, divided, label) if draws else [],
        missing=_missing(analysis, tables, trials, divided),
        phases=details.phases(shown, trials),
        memory=details.memory(shown, trials),
        shares=shares.table(divided),
        latency=latency.table(calls, not few, draws),
        latency_of_classes=latency.table_of_classes(calls) if few else None,
        more_latency=latency.more_pictures(calls, label, floors) if draws and few else [],
        live=fragmentation.summary(shown, trials),
        counts=figures_of_kernel,
        zeros=zeros,
        kernel=part,
        samples=raw.csv_of(run),
        floor_cost=_floor_cost(document, tables),
        command=reproduce.row(document, workload, {trial.allocator for trial in run}),
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
            values.append(
                Value(
                    formatting.quantity(middle.estimate, metric.unit),
                    formatting.quantity_range(middle.low, middle.high, metric.unit),
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
    analysis: Analysis,
    shown: Sequence[Allocator],
    tables: Mapping[str, ByArm],
    trials: Trials,
    calls: latency.Workload,
    divided: shares.Shares,
    label: str,
) -> list[Picture]:
    pictures = []
    several = len(analysis.document.workloads) > MOST_WITH_ALL
    for metric in analysis.metrics:
        if several and metric.key not in ESSENTIAL:
            continue
        rows = [
            figures.Strip(
                allocator.name,
                dict(sorted(tables[metric.key][allocator.name].items())),
                median_interval(list(tables[metric.key][allocator.name].values())),
            )
            for allocator in shown
            if allocator.name in tables[metric.key] and not allocator.floor
        ]
        if rows:
            words = f"{metric.title} of {label}: every sample of each allocator, with median and interval"
            drawing = figures.strips(rows, metric.unit, words)
            pictures.append(Picture(metric.title, "", drawing))
        if metric is analysis.metrics[0] and rows:
            pictures += _of_time(analysis, rows, label)
    points = figures.FEW_POINTS if several else figures.POINTS
    if divided.courses:
        words = f"Resident heap over time of {label}, divided into {', '.join(shares.KINDS)}"
        drawing = bands.draw(divided.courses, words, points)
        pictures.append(Picture("Memory over time: what it is made of", SHARES_CAPTION, drawing))
    pictures += _over_time(shown, trials, label, not several, bool(divided.courses))
    floors = [allocator.name for allocator in shown if allocator.floor]
    pictures += latency.pictures(calls, label, floors, several)
    return pictures


def _of_time(analysis: Analysis, rows: Sequence[figures.Strip], label: str) -> list[Picture]:
    """CPU time a second and third way: the differences within rounds, and how samples are distributed."""
    effects = [(row.name, analysis.time.cells.get((label, row.name))) for row in rows]
    paired = [
        figures.Paired(name, effect.differences, effect.shown)
        for name, effect in effects
        if effect is not None and effect.scale is Scale.RATIO
    ]
    pictures = []
    if paired:
        words = f"CPU time of {label}: every round's difference from {analysis.baseline}"
        caption = f"Each dot is a round: the difference from {analysis.baseline} in it. Left is faster."
        drawing = figures.differences(paired, analysis.baseline, words)
        pictures.append(Picture("CPU time, paired differences", caption, drawing))
    if len(rows[0].values) > 2 and len(analysis.document.workloads) <= MOST_WITH_ALL:
        words = f"CPU time of {label}: share of trials at or below each value"
        caption = f"Share of trials at or below a time, from none to all. Thin: {analysis.baseline}."
        drawing = figures.ecdf(rows, "ns", analysis.baseline, words)
        pictures.append(Picture("CPU time, distribution (ECDF)", caption, drawing))
    return pictures


SHARES_CAPTION = (
    "Resident heap of a trial apart. Rounded up: internal fragmentation. Between blocks: external. "
    "A line alone: cannot be divided there."
)
COURSE_CAPTION = (
    "The trial with the median peak of each. Shaded: the measured phase. Ticks: where phases begin."
)


def _over_time(
    shown: Sequence[Allocator], trials: Trials, label: str, all_of_them: bool, divided: bool
) -> list[Picture]:
    """`divided`: memory over time is shown by its shares already."""
    subjects = [allocator for allocator in shown if not allocator.floor]
    pictures = []
    alive = [
        course
        for allocator in subjects
        if (course := _course(allocator, trials[allocator.name], "heap_rss_bytes", "live_bytes"))
    ]
    points = figures.POINTS if all_of_them else figures.FEW_POINTS
    if alive and (all_of_them or not divided):
        caption = "Blue: resident heap. Orange line: bytes that are alive; the rest is the allocator's."
        drawing = figures.courses(alive, "bytes", f"Heap and live bytes over time of {label}", points)
        pictures.append(Picture("Heap and live bytes over time", caption, drawing))
    held = [
        course
        for allocator in subjects
        if (course := _course(allocator, trials[allocator.name], "rss_bytes"))
    ]
    if held and (all_of_them or not divided):
        harness = [
            trial.harness_bytes + (trial.harness_file_bytes or 0.0)
            for arm in trials.values()
            for trial in arm
            if trial.harness_bytes
        ]
        caption = COURSE_CAPTION
        if harness:
            own = formatting.quantity(median_interval(harness).estimate, "bytes")
            caption += f" With the program and the harness's own {own}."
        words = f"Resident memory over time of {label}, one trial of each allocator"
        pictures.append(Picture("Memory over time", caption, figures.courses(held, "bytes", words, points)))
    faults = [
        course
        for allocator in subjects
        if (course := _course(allocator, trials[allocator.name], "minor_faults")) and max(course.values) > 0
    ]
    if faults and all_of_them:
        words = f"Minor page faults so far over time of {label}"
        caption = "All so far, the start of the program included."
        pictures.append(Picture("Page faults over time", caption, figures.courses(faults, "", words)))
    return pictures


def _course(
    allocator: Allocator, trials: Sequence[Trial], name: str, inner: str = ""
) -> figures.Course | None:
    """The series `name` of the trial with the median peak, and `inner` beside it."""
    able = [trial for trial in trials if name in trial.series and trial.series[name].at_ns]
    if not able:
        return None
    trial = sorted(able, key=lambda entry: entry.peak_rss_bytes or 0.0)[len(able) // 2]
    series, second = trial.series[name], trial.series.get(inner)
    zero = trial.begin_ns if trial.begin_ns is not None else series.at_ns[0]
    beside = second.values if second and len(second.values) == len(series.values) else series.values
    points = [
        (time - zero, value, other)
        for time, value, other in zip(series.at_ns, series.values, beside)
        if time >= zero
    ]
    if not points:
        return None
    phases = [
        (phase.name, phase.begin_ns - zero, phase.begin_ns - zero + phase.wall_ns)
        for name in PHASES
        if (phase := trial.phases.get(name)) and phase.begin_ns is not None and phase.wall_ns is not None
    ]
    at, values, others = (list(column) for column in zip(*points))
    return figures.Course(allocator.name, at, values, phases, others if inner and second else ())


def _missing(
    analysis: Analysis, tables: Mapping[str, ByArm], trials: Trials, divided: shares.Shares
) -> list[str]:
    if not trials:
        return []
    lines = [
        f"{metric.title}: {comparison.why_not_measured(analysis.document, metric)}"
        for metric in analysis.metrics
        if not tables[metric.key]
    ]
    if not any("rss_bytes" in trial.series for arm in trials.values() for trial in arm):
        lines.append("Memory over time: not measured")
    if why := shares.why_missing(divided):
        lines.append(why)
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
