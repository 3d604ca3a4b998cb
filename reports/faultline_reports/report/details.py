"""The tables under a workload that are opened on demand: phases, memory, kernel counts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faultline_reports import formatting
from faultline_reports.model import Allocator, Document, Trial
from faultline_reports.report.counted import TIMED_PHASE, Arm
from faultline_reports.report.drawing import Grid
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
