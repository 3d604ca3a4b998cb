"""The tables under a workload that are opened on demand: phases, latencies, kernel counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faultline_reports import formatting
from faultline_reports.model import Allocator, Document, Latency, Phase, Trial
from faultline_reports.statistics.order import median_interval

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
    return [
        (name, median_interval([entry[name] for entry in entries if name in entry]).estimate)
        for name in names
    ]


def _middle(values: Sequence[float | None], unit: str) -> str:
    known = [value for value in values if value is not None]
    return formatting.quantity(median_interval(known).estimate, unit) if known else formatting.NOT_MEASURED


# The kernel divides CPU time between program and kernel by what each of its ticks, 1 to 10 ms apart, met.
# Of less CPU time than this the split is chance; the sum is exact.
SPLIT_FROM_NS = 100e6
TOO_SHORT = "–"


def _split(values: Sequence[float | None], cpu_ns: Sequence[float | None]) -> str:
    """The median of one side of that split, where the phase is long enough."""
    known = [value for value in cpu_ns if value is not None]
    if known and median_interval(known).estimate < SPLIT_FROM_NS:
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
        names = [name for name in PHASES if any(name in trial.phases for trial in trials[allocator.name])]
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


def latency(shown: Sequence[Allocator], trials: Trials) -> Grid | None:
    every = [row for arm in trials.values() for trial in arm for row in trial.latency]
    if not every:
        return None
    names = sorted({name for row in every for name in row.percentiles}, key=formatting.percentile_order)
    kinds = list(dict.fromkeys((row.operation, row.size_class) for row in every))
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
    heads = ["operation", "size class", "allocator", "samples a trial"]
    return Grid(
        [*heads, *(formatting.percentile(name) + ("" if name == "max_ns" else " %") for name in names)], rows
    )


def kernel(document: Document, shown: Sequence[Allocator], trials: Trials) -> Grid | None:
    """The probes' counts in the measured phase; None when no probe gave any."""
    helps = {metric.name: metric for metric in document.kernel_metrics}
    measured = {
        allocator.name: [
            trial.phases["measure"] for trial in trials[allocator.name] if "measure" in trial.phases
        ]
        for allocator in shown
    }
    names = list(dict.fromkeys(name for arm in measured.values() for phase in arm for name in phase.kernel))

    def middle(name: str, unit: str, arm: Sequence[Phase]) -> str:
        values = [phase.kernel.get(name) for phase in arm]
        if name in ("user_ns", "system_ns"):
            return _split(values, [phase.cpu_ns for phase in arm])
        return _middle(values, unit)

    rows = []
    for name in names:
        unit = "bytes" if name.endswith("_bytes") else "ns" if name.endswith("_ns") else ""
        known = helps.get(name)
        whose = " (whole host)" if known and known.scope == "host" else ""
        rows.append(
            [name + whose]
            + [middle(name, unit, measured[allocator.name]) for allocator in shown]
            + [known.help if known else ""]
        )
    return Grid(["count", *(allocator.name for allocator in shown), "what it is"], rows) if rows else None
