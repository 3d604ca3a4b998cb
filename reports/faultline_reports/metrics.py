"""The metrics that are compared and shown: one table. A new one is one new row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from faultline_reports.model import Document, Trial
from faultline_reports.statistics import thresholds
from faultline_reports.statistics.verdict import Verdict

# The phases in which the allocator is called. `start` is the loader's and the harness's, `idle` nobody's.
WORKING_PHASES = ("warmup", "measure", "drain")


@dataclass(frozen=True)
class Metric:
    key: str  # in JSON and on the command line
    title: str
    short: str
    unit: str  # "ns", "bytes", "" for counts: what formatting.quantity understands
    of: Callable[[Trial], float | None]
    margin: thresholds.Margin
    higher: str  # the word for a candidate that has more of it
    lower: str
    means: str  # the definition, for readers who are new to it
    group: str  # of the capability records that say why it is missing

    def word(self, verdict: Verdict) -> str:
        return {Verdict.HIGHER: self.higher, Verdict.LOWER: self.lower}.get(verdict, verdict.value)


def _per_operation(total: float | None, operations: float | None) -> float | None:
    return total / operations if total is not None and operations else None


def _wall(trial: Trial) -> float | None:
    phase = trial.phases.get("measure")
    return _per_operation(phase.wall_ns, phase.operations) if phase else None


def _cpu(trial: Trial) -> float | None:
    phase = trial.phases.get("measure")
    return _per_operation(phase.cpu_ns, phase.operations) if phase else None


def _minor_faults(trial: Trial) -> float | None:
    faults = [phase.minor_faults for name, phase in trial.phases.items() if name in WORKING_PHASES]
    known = [count for count in faults if count is not None]
    return sum(known) if known and len(known) == len(faults) else None


METRICS: tuple[Metric, ...] = (
    Metric(
        "cpu_ns_per_operation",
        "CPU time per operation",
        "CPU time",
        "ns",
        _cpu,
        thresholds.CPU_TIME,
        "slower",
        "faster",
        "Processor time of all threads in the measured phase, in the program and in the kernel together, "
        "divided by the "
        "number of calls of malloc, free and their relatives. It is the fairest single number on a machine "
        "that also does "
        "other things.",
        "cpu",
    ),
    Metric(
        "wall_ns_per_operation",
        "Elapsed time per operation",
        "Elapsed time",
        "ns",
        _wall,
        thresholds.WALL_TIME,
        "slower",
        "faster",
        "Time on the clock in the measured phase divided by the number of operations of all threads. It "
        "includes waiting, "
        "for locks and for the processor, so it suffers most from a busy machine.",
        "cpu",
    ),
    Metric(
        "peak_rss_bytes",
        "Peak memory",
        "Peak memory",
        "bytes",
        lambda trial: trial.peak_rss_bytes,
        thresholds.MEMORY,
        "more",
        "less",
        "The most physical memory the process held at any moment (peak resident set), less the memory the "
        "harness keeps for itself and the files it has mapped. About 6 MB of libraries and program text are "
        "in every allocator's figure, so where little is allocated a ratio understates the difference.",
        "rss",
    ),
    Metric(
        "retained_rss_bytes",
        "Retained memory",
        "Retained memory",
        "bytes",
        lambda trial: trial.retained_rss_bytes,
        thresholds.MEMORY,
        "more",
        "less",
        "Physical memory the process still held after everything had been freed and it had been idle for a "
        "while: what the "
        "allocator did not give back. Less the memory the harness keeps for itself and the files it has "
        "mapped; about 6 MB of libraries and program text are in every allocator's figure.",
        "rss",
    ),
    Metric(
        "minor_faults",
        "Minor page faults",
        "Page faults",
        "",
        _minor_faults,
        thresholds.EVENTS,
        "more",
        "fewer",
        "How often the kernel had to supply a page of memory while the workload ran (warm-up, measured "
        "phase and drain). "
        "Each costs time in the kernel that is part of the times above.",
        "faults",
    ),
)


def by_key(key: str) -> Metric:
    return next(metric for metric in METRICS if metric.key == key)


Samples = dict[tuple[str, str], dict[int, float]]  # (workload, allocator) -> round -> value


def samples(document: Document, metric: Metric) -> Samples:
    """The values of valid trials. An arm that has none is not in it."""
    table: Samples = {}
    for trial in document.trials:
        value = metric.of(trial) if trial.valid else None
        if value is not None:
            table.setdefault((trial.workload, trial.allocator), {})[trial.round] = value
    return table
