"""Resident heap over time, divided: what is live, what sizes were rounded up by (internal fragmentation), the
rest of the pages that live blocks lie on (external fragmentation), and what the allocator keeps beyond those.

From a trial apart (`occupancy` of the document), in which the worker kept account of each block. Rounding up
is what malloc_usable_size says. Nothing is divided at a moment when less is resident than the pages of live
blocks: part of what is live was then never written to, or is swapped out, and nobody knows which.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from faultline_reports import formatting
from faultline_reports.model import Allocator, Document, Trial
from faultline_reports.report.drawing import Grid
from faultline_reports.statistics import thresholds

REQUESTED, USABLE, ROUNDING = "requested_bytes", "usable_bytes", "rounding_bytes"
OCCUPIED, TABLES, RESIDENT = "occupied_bytes", "occupancy_tables_bytes", "rss_bytes"
SERIES = (REQUESTED, USABLE, ROUNDING, OCCUPIED, TABLES, RESIDENT)
# Pages that the allocator had before the first operation, freed by the program's start, hold blocks now: they
# are resident, and not among what came since. So much may be that, and not blocks never written to.
ALLOWANCE_BYTES = 2.0**18
KINDS = ("asked for", "rounded up", "between blocks", "kept")


@dataclass(frozen=True, slots=True)
class Moment:
    """Bytes at a time in nanoseconds since the trial's release."""

    at_ns: float
    phase: str
    heap: float  # resident, beyond what was before the first operation
    requested: float
    usable: float
    parts: tuple[float, float, float, float] | None  # of `heap`, as KINDS; None: cannot be divided


@dataclass(frozen=True)
class Course:
    name: str
    moments: Sequence[Moment]
    phases: Sequence[tuple[str, float, float]]  # name, begin, end

    @property
    def at_ns(self) -> list[float]:
        return [moment.at_ns for moment in self.moments]


def course(trial: Trial) -> Course | str:
    """Of a trial of `occupancy`; a text says why there is none."""
    if not trial.valid:
        return f"the trial apart was invalid: {trial.invalid_reason}"
    if trial.occupancy is None:
        return "no account of live blocks was kept"
    if trial.occupancy:
        return trial.occupancy
    series = [trial.series.get(name) for name in SERIES]
    known = [entry for entry in series if entry is not None]
    begin, before = trial.begin_ns, trial.baseline_rss_bytes
    if len(known) < len(SERIES) or len({len(entry.values) for entry in known}) > 1:
        return "the series of the trial apart are not whole"
    if begin is None or before is None or trial.harness_bytes is None:
        return "what was resident before the first operation is not known"
    phases = [
        (phase.name, phase.begin_ns - begin, phase.begin_ns - begin + phase.wall_ns)
        for phase in trial.phases.values()
        if phase.begin_ns is not None and phase.wall_ns is not None and phase.name != "start"
    ]
    own = before + trial.harness_bytes + (trial.harness_file_bytes or 0.0)
    moments = list(_moments(known[0].at_ns, [entry.values for entry in known], begin, own, phases))
    return Course(trial.allocator, moments, phases) if moments else "it ended before a sample was taken"


def _moments(
    at_ns: Sequence[float],
    columns: Sequence[Sequence[float]],
    begin: float,
    own: float,
    phases: Sequence[tuple[str, float, float]],
) -> Iterator[Moment]:
    for absolute, requested, usable, rounding, occupied, tables, resident in zip(at_ns, *columns):
        at = absolute - begin
        phase = next((name for name, first, last in phases if first <= at <= last), "")
        if not phase:
            continue  # before the first operation, or while the worker stood at a gate
        heap = max(0.0, resident - own - tables)
        parts = None
        if heap < occupied <= heap + ALLOWANCE_BYTES:
            heap = occupied
        if heap >= occupied:
            # Sums that were read while threads went on may be off by a block: nothing is less than nothing.
            between = max(0.0, occupied - requested - rounding)
            live = min(requested, occupied)
            parts = (live, occupied - live - between, between, heap - occupied)
        yield Moment(at, phase, heap, requested, usable, parts)


@dataclass(frozen=True)
class Shares:
    """Of a workload."""

    courses: Sequence[Course]
    missing: Mapping[str, str]  # allocator -> why it has none


def of(document: Document, shown: Sequence[Allocator], run: Sequence[Trial]) -> Shares:
    """`run`: the workload's trials of `occupancy`."""
    trials = {trial.allocator: trial for trial in run}
    courses: list[Course] = []
    missing: dict[str, str] = {}
    for allocator in shown:
        if allocator.floor or allocator.kernel:
            continue
        found = course(trials[allocator.name]) if allocator.name in trials else _why_no_trial(document)
        if isinstance(found, Course):
            courses.append(found)
        else:
            missing[allocator.name] = found
    return Shares(courses, missing)


def _why_no_trial(document: Document) -> str:
    if document.occupancy:
        return "not of this workload, whose blocks are not the worker's own"
    return "no trial kept account of live blocks (--no-occupancy, or a run of an earlier version)"


def why_missing(shares: Shares) -> str:
    """As a sentence without its end; "" when nothing is."""
    if not shares.missing:
        return ""
    head = "What resident memory is made of: not measured"
    reasons = set(shares.missing.values())
    if len(reasons) == 1 and not shares.courses:
        return f"{head}: {reasons.pop()}"
    return f"{head} for " + ", for ".join(f"{name}: {reason}" for name, reason in shares.missing.items())


HEADS = (
    "allocator",
    "most resident",
    *(f"of it {kind}" for kind in KINDS),
    "rounded up in all, of what was asked for",
    "kept at the end",
)


def peak(found: Course) -> Moment:
    """When most was resident, until everything was freed."""
    working = [moment for moment in found.moments if moment.phase in ("warmup", "measure")]
    return max(working or found.moments, key=lambda moment: moment.heap)


def kept_at_end(found: Course) -> float | None:
    """Bytes still resident in the last sample after everything was freed."""
    idle = [moment for moment in found.moments if moment.phase == "idle" and not moment.requested]
    return idle[-1].heap if idle else None


def table(shares: Shares) -> Grid | None:
    return Grid(HEADS, [_row(found) for found in shares.courses]) if shares.courses else None


def short(shares: Shares) -> dict[str, str]:
    """By allocator: the shares of KINDS in per cent, and of how much, for a table of many workloads."""
    return {found.name: _short(peak(found)) for found in shares.courses}


def _short(most: Moment) -> str:
    if most.heap < thresholds.HEAP.ratio_from:
        return "too small"
    if most.parts is None:
        return f"{formatting.quantity(most.heap, 'bytes')}, {formatting.NOT_MEASURED}"
    parts = "/".join(f"{100 * part / most.heap:.0f}" for part in most.parts)
    return f"{parts} of {formatting.quantity(most.heap, 'bytes')}"


def _row(found: Course) -> list[str]:
    most, end = peak(found), kept_at_end(found)
    parts = [formatting.NOT_MEASURED] * len(KINDS)
    if most.heap < thresholds.HEAP.ratio_from:
        parts = ["too small to divide"] * len(KINDS)
    elif most.parts is not None:
        parts = [
            f"{100 * part / most.heap:.0f} % ({formatting.quantity(part, 'bytes')})" for part in most.parts
        ]
    return [
        found.name,
        formatting.quantity(most.heap, "bytes"),
        *parts,
        formatting.change(most.usable / most.requested) if most.requested else formatting.NOT_MEASURED,
        formatting.quantity(end, "bytes") if end is not None else formatting.NOT_MEASURED,
    ]


def as_json(shares: Shares) -> dict[str, dict[str, object]]:
    """By allocator, bytes when most was resident; what is not known is null with a `reason`."""
    values: dict[str, dict[str, object]] = {}
    for found in shares.courses:
        most = peak(found)
        parts = most.parts or (None, None, None, None)
        values[found.name] = {
            "heap_rss_bytes": most.heap,
            "requested_bytes": most.requested,
            "usable_bytes": most.usable,
            **dict(zip(("live_rss_bytes", "internal_bytes", "external_bytes", "kept_bytes"), parts)),
            "retained_bytes": kept_at_end(found),
            "reason": None if most.parts else UNDIVIDED,
        }
    for name, reason in shares.missing.items():
        values[name] = {"reason": reason}
    return values


UNDIVIDED = "less was resident than the pages of live blocks: part of them was never written to"
