"""The metrics that are compared and shown: one table. A new one is one new row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


def _heap_part(total: Callable[[Trial], float | None]) -> Callable[[Trial], float | None]:
    """Less what the process held when the first phase of the workload began."""

    def of(trial: Trial) -> float | None:
        bytes_, before = total(trial), trial.baseline_rss_bytes
        return None if bytes_ is None or before is None else max(0.0, bytes_ - before)

    return of


# What is compared, by every command. Memory is what the workload's allocations caused of it: program,
# libraries and the allocator's start-up, about 6 MB in every arm, would make each ratio smaller than it is.
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
        "peak_heap_bytes",
        "Peak heap",
        "Peak heap",
        "bytes",
        _heap_part(lambda trial: trial.peak_rss_bytes),
        thresholds.HEAP,
        "more",
        "less",
        "How much the physical memory of the process grew from just before the first operation to its peak: "
        "what the workload's allocations cost, with all that the allocator kept beside them. Program, "
        "libraries and the allocator's start-up are left out, and shown apart.",
        "rss",
    ),
    Metric(
        "retained_heap_bytes",
        "Retained heap",
        "Retained heap",
        "bytes",
        _heap_part(lambda trial: trial.retained_rss_bytes),
        thresholds.HEAP,
        "more",
        "less",
        "How much more physical memory the process held than before the first operation, after everything "
        "had been freed and it had been idle for a while: what the allocator did not give back.",
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


# The process's whole memory: compared in place of the heap's part where a document does not tell what was
# held before the first operation.
WHOLE: tuple[Metric, ...] = (
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
)
_WHOLE_OF = {"peak_heap_bytes": WHOLE[0], "retained_heap_bytes": WHOLE[1]}


def told_by(metric: Metric, *documents: Document) -> Metric:
    """`metric`, or what is compared in its place where one of the documents cannot tell it."""
    whole = _WHOLE_OF.get(metric.key)
    if whole is None or all(_tells_heap(document) for document in documents):
        return metric
    return whole


def _tells_heap(document: Document) -> bool:
    return any(trial.baseline_rss_bytes is not None for trial in document.trials)


def reported(*documents: Document) -> tuple[Metric, ...]:
    """METRICS as these documents can tell them."""
    return tuple(told_by(metric, *documents) for metric in METRICS)


def same_rule(key: str) -> str:
    """The key among METRICS of what is compared in its place, or the key itself."""
    return next((heap for heap, whole in _WHOLE_OF.items() if whole.key == key), key)


def memory(document: Document) -> Metric:
    """The metric of peak memory among them."""
    return next(metric for metric in reported(document) if metric.key.startswith("peak_"))


def _latency_quantile(share: float) -> Callable[[Trial], float | None]:
    """Of all calls that were timed in a trial, whatever the operation and size: the middle of the histogram's
    bucket that holds the quantile. None with too few beyond it to mean anything."""

    def of(trial: Trial) -> float | None:
        buckets: dict[float, float] = {}
        for row in trial.latency:
            for upper, samples in row.buckets:
                buckets[upper] = buckets.get(upper, 0.0) + samples
        total = sum(buckets.values())
        if total * (1 - share) < thresholds.SAMPLES_BEYOND_QUANTILE:
            return None
        below, lower = 0.0, 0.0
        for upper in sorted(buckets):
            if below + buckets[upper] >= share * total:
                # Within the bucket as if its samples were spread evenly: without that, a quantile that moves
                # by less than a bucket would not move at all. Where buckets before it are empty, it begins at
                # its own lower edge, a 32nd below.
                begin = lower if lower > upper / 2 else upper * (31 / 32)
                return begin + (upper - begin) * (share * total - below) / buckets[upper]
            below, lower = below + buckets[upper], upper
        return None

    return of


def _latency(key: str, name: str, share: float) -> Metric:
    return Metric(
        f"latency_{key}_ns",
        f"Latency of a call, {name}",
        f"Latency {key}",
        "ns",
        _latency_quantile(share),
        thresholds.LATENCY,
        "slower",
        "faster",
        f"{name} of the time that single calls of malloc, free and their relatives took, of those that were "
        "timed, taken in each process and then compared.",
        "latency",
    )


# Beside METRICS: what an A/B and the gate also look at.
LATENCY: tuple[Metric, ...] = (
    _latency("p50", "the median", 0.5),
    _latency("p99", "the 99th percentile", 0.99),
    _latency("p999", "the 99.9th percentile", 0.999),
)


# Not a figure of a trial: the row by which the gate says that an arm does not run.
VALID_TRIALS = Metric(
    "valid_trials",
    "Valid trials",
    "valid trials",
    "",
    lambda _: None,
    thresholds.EVENTS,
    "more",
    "fewer",
    "Trials that ran to their end as they should.",
    "",
)


KERNEL = "kernel."  # of the keys of what the kernel counted


def kernel_count(key: str) -> Metric:
    """ "kernel.NAME": the kernel's count NAME of the result document over the working phases."""
    name = key.removeprefix(KERNEL)

    def of(trial: Trial) -> float | None:
        counts = [
            phase.kernel[name]
            for phase in trial.phases.values()
            if phase.name in WORKING_PHASES and name in phase.kernel
        ]
        known = [count for count in counts if count is not None]
        return sum(known) if known and len(known) == len(counts) else None

    words = f"The kernel's count {name}, over warm-up, measured phase and drain."
    return Metric(key, name, name, "", of, thresholds.EVENTS, "more", "fewer", words, "kernel")


# What an allocator asks the kernel for memory with: followed by the gate and the history.
MEMORY_CALLS = ("kernel.mmap_calls", "kernel.munmap_calls", "kernel.madvise_calls", "kernel.brk_calls")


def by_key(key: str) -> Metric:
    """What is in no table is a count of the kernel's, or a figure of another version, as good as one."""
    known = next((metric for metric in (*METRICS, *WHOLE, *LATENCY) if metric.key == key), None)
    return known or kernel_count(key)


Samples = dict[tuple[str, str], dict[int, float]]  # (workload, allocator) -> round -> value


def samples(document: Document, metric: Metric) -> Samples:
    """The values of valid trials. An arm that has none is not in it. Counts of the kernel's that the timed
    trials do not have are those of the trials that were run to count."""
    table = _samples(document.trials, metric)
    if not table and metric.key.startswith(KERNEL):
        table = _samples(document.counts, metric)
    return table


def _samples(trials: Sequence[Trial], metric: Metric) -> Samples:
    table: Samples = {}
    for trial in trials:
        value = metric.of(trial) if trial.valid else None
        if value is not None:
            table.setdefault((trial.workload, trial.allocator), {})[trial.round] = value
    return table
