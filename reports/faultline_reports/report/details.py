"""The tables under a workload that are opened on demand: phases, latencies, kernel counts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from faultline_reports import formatting
from faultline_reports.model import Allocator, Document, Latency, Trial
from faultline_reports.report.counted import TIMED_PHASE, Arm
from faultline_reports.statistics.order import median

Trials = Mapping[str, Sequence[Trial]]  # allocator -> valid trials

PHASES = ("start", "warmup", "measure", "drain", "idle")
PHASE_NAMES = {"warmup": "warm-up", "measure": "measured"}


@dataclass(frozen=True)
class PhaseRow:
    name: str
    phase: str
    first: int  # rows that the name spans, 0 when it does not start here
    values: Sequence[str]


@dataclass(frozen=True)
class Picture:
    title: str
    caption: str
    svg: Markup


@dataclass(frozen=True)
class Grid:
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def known(row: Latency) -> dict[str, float]:
    """The percentiles that so many samples can give: of 88 calls nothing is known about the 99.99th."""
    return {
        name: value
        for name, value in row.percentiles.items()
        if name == "max_ns" or row.count * (100 - formatting.percentile_order(name)) >= 100
    }


def medians(entries: Sequence[Mapping[str, float]]) -> list[tuple[str, float]]:
    names = list(dict.fromkeys(name for entry in entries for name in entry))
    names.sort(key=formatting.percentile_order)
    return [(name, median([entry[name] for entry in entries if name in entry])) for name in names]


def _middle(values: Sequence[float | None], unit: str) -> str:
    known = [value for value in values if value is not None]
    return formatting.quantity(median(known), unit) if known else formatting.NOT_MEASURED


# The kernel divides CPU time between program and kernel by what each of its ticks, 1 to 10 ms apart, met.
# Of less CPU time than this the split is chance; the sum is exact.
SPLIT_FROM_NS = 100e6
TOO_SHORT = "–"


def _split(values: Sequence[float | None], cpu_ns: Sequence[float | None]) -> str:
    """The median of one side of that split, where the phase is long enough."""
    known = [value for value in cpu_ns if value is not None]
    if known and median(known) < SPLIT_FROM_NS:
        return TOO_SHORT
    return _middle(values, "ns")


PHASE_HEADS = (
    "elapsed",
    "CPU",
    "CPU, program",
    "CPU, kernel",
    "minor faults",
    "major faults",
    "switches, own",
    "switches, forced",
)


def phases(shown: Sequence[Allocator], trials: Trials) -> list[PhaseRow]:
    rows: list[PhaseRow] = []
    for allocator in shown:
        # Nobody works in `idle`: what is held then is the retained memory.
        names = [
            name
            for name in PHASES
            if name != "idle" and any(name in trial.phases for trial in trials[allocator.name])
        ]
        for index, name in enumerate(names):
            phases = [trial.phases[name] for trial in trials[allocator.name] if name in trial.phases]
            cpu = [phase.cpu_ns for phase in phases]
            values = [
                _middle([phase.wall_ns for phase in phases], "ns"),
                _middle(cpu, "ns"),
                _split([phase.user_ns for phase in phases], cpu),
                _split([phase.system_ns for phase in phases], cpu),
                _middle([phase.minor_faults for phase in phases], ""),
                _middle([phase.major_faults for phase in phases], ""),
                _middle([phase.voluntary_switches for phase in phases], ""),
                _middle([phase.involuntary_switches for phase in phases], ""),
            ]
            rows.append(
                PhaseRow(allocator.name, PHASE_NAMES.get(name, name), 0 if index else len(names), values)
            )
    return rows


def memory(shown: Sequence[Allocator], trials: Trials) -> Grid | None:
    """What of the peak was there before the first operation; None when no trial recorded it."""
    if not any(trial.baseline_rss_bytes is not None for arm in trials.values() for trial in arm):
        return None
    rows = []
    for allocator in shown:
        arm = trials[allocator.name]
        columns = (
            [trial.peak_rss_bytes for trial in arm],
            [trial.baseline_rss_bytes for trial in arm],
            [_growth(trial) for trial in arm],
            [trial.harness_bytes for trial in arm],
            [trial.harness_file_bytes for trial in arm],
        )
        rows.append([allocator.name, *(_middle(column, "bytes") for column in columns)])
    heads = ["allocator", "peak memory", "before the first operation", "growth of the heap to the peak"]
    return Grid([*heads, "the harness's, left out", "the harness's files, left out"], rows)


def _growth(trial: Trial) -> float | None:
    if trial.peak_rss_bytes is None or trial.baseline_rss_bytes is None:
        return None
    return max(0.0, trial.peak_rss_bytes - trial.baseline_rss_bytes)


CLASSES_SHOWN = 2  # of each operation, beside that of all sizes


def _commonest(rows: Sequence[Latency]) -> tuple[list[tuple[str, str]], int]:
    """Of each operation the size classes with the most calls, and how many others there are."""
    counts: dict[tuple[str, str], float] = {}
    for row in rows:
        key = (row.operation, row.size_class)
        counts[key] = counts.get(key, 0.0) + row.count
    chosen: list[tuple[str, str]] = []
    for operation in dict.fromkeys(operation for operation, _ in counts):
        classes = [key for key in counts if key[0] == operation and key[1].isdigit()]
        chosen += [key for key in counts if key[0] == operation and key not in classes]
        classes.sort(key=lambda key: -counts[key])
        chosen += sorted(classes[:CLASSES_SHOWN], key=lambda key: int(key[1]))
    return chosen, len(counts) - len(chosen)


def latency(shown: Sequence[Allocator], trials: Trials) -> Grid | None:
    every = [row for arm in trials.values() for trial in arm for row in trial.latency]
    if not every:
        return None
    names = sorted({name for row in every for name in row.percentiles}, key=formatting.percentile_order)
    kinds, left = _commonest(every)
    rows = []
    for operation, size_class in kinds:
        for allocator in shown:
            found = [
                row
                for trial in trials[allocator.name]
                for row in trial.latency
                if (row.operation, row.size_class) == (operation, size_class)
            ]
            if found:
                middle = dict(medians([known(row) for row in found]))
                counts = _middle([row.count for row in found], "")
                rows.append(
                    [operation, size_class or "all", allocator.name, counts]
                    + [
                        formatting.quantity(middle[name], "ns") if name in middle else "too few"
                        for name in names
                    ]
                )
    if left:
        more = formatting.count(left, "rarer size class", "rarer size classes")
        rows.append([f"and {more}, in the document", *[""] * (3 + len(names))])
    heads = ["operation", "size class", "allocator", "samples a trial"]
    return Grid(
        [*heads, *(formatting.percentile(name) + ("" if name == "max_ns" else " %") for name in names)], rows
    )


# What has a table of its own, or is the whole host's.
TOLD_ELSEWHERE = re.compile(
    r"faults_(anonymous|huge|zero_page|cow|reuse|file|shmem|swap|other)$|alloc_pages_order|host_|"
    r"(brk|mmap|munmap|mremap|mprotect|madvise)_|system_calls$|memory_calls_failed$"
)


def kernel(document: Document, arms: Sequence[Arm]) -> tuple[Grid | None, list[str]]:
    """The probes' other counts in the measured phase, without those that are 0 for every allocator, whose
    names come beside; None when no probe gave any."""
    helps = {metric.name: metric for metric in document.kernel_metrics}
    names = dict.fromkeys(
        name
        for arm in arms
        for trial in (*arm.counted[:1], *arm.timed[:1])
        if TIMED_PHASE in trial.phases
        for name in trial.phases[TIMED_PHASE].kernel
    )
    rows, zeros = [], []
    for name in names:
        if TOLD_ELSEWHERE.match(name):
            continue
        values = [arm.count(name, [TIMED_PHASE]) for arm in arms]
        if not any(values):
            if not all(value is None for value in values):
                zeros.append(name)
            continue
        unit = "bytes" if name.endswith("_bytes") else "ns" if name.endswith("_ns") else ""
        known = helps.get(name)
        cells = [formatting.quantity(value, unit) for value in values]
        if name in ("user_ns", "system_ns"):
            short = [(arm.measured("cpu_ns") or SPLIT_FROM_NS) < SPLIT_FROM_NS for arm in arms]
            cells = [TOO_SHORT if is_short else cell for is_short, cell in zip(short, cells)]
        scope = {"host": " (whole host)", "partly": " (partly others')"}.get(known.scope if known else "", "")
        rows.append([name + scope, *cells])
    return Grid(["count", *(arm.name for arm in arms)], rows) if rows else None, zeros


def live(shown: Sequence[Allocator], trials: Trials) -> Grid | None:
    """Fragmentation: what was resident beside what was alive, of workloads that look at it. Medians over
    trials."""
    rows = []
    for allocator in shown:
        seen = [figures for trial in trials[allocator.name] if (figures := _fragmentation(trial))]
        if seen:
            middles = [median(list(column)) for column in zip(*seen)]
            rows.append(
                [
                    allocator.name,
                    formatting.quantity(middles[0], "bytes"),
                    formatting.quantity(middles[1], "bytes"),
                    formatting.change(middles[1] / middles[0]),
                    f"×{formatting.digits(middles[2])}",
                    formatting.quantity(middles[3], "bytes"),
                ]
            )
    heads = [
        "allocator",
        "most alive at once",
        "resident then",
        "more than alive",
        "worst ratio while at least",
    ]
    heads[-1] += " a tenth is alive"
    return Grid([*heads, "left when all is freed"], rows) if rows else None


def _fragmentation(trial: Trial) -> tuple[float, float, float, float] | None:
    alive, resident = trial.series.get("live_bytes"), trial.series.get("heap_rss_bytes")
    if alive is None or resident is None or len(alive.values) != len(resident.values) or not alive.values:
        return None
    most = max(alive.values)
    if most <= 0:
        return None
    at = list(alive.values).index(most)
    worst = max(
        (held / used for used, held in zip(alive.values, resident.values) if used >= most / 10), default=0.0
    )
    return most, resident.values[at], worst, resident.values[-1]
