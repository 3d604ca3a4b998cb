"""A result document as plain types. harness/results/README.md gives each field's meaning.

Values are floats, `None` means "not measured". Names and messages are safe to print: what could move a cursor
or break an encoder has been replaced (errors.visible), but they are not escaped for HTML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from faultline_reports.scarcity import Scarcity
from faultline_reports.stress import Stress


TableRow = tuple[str, Sequence[float]]  # what was counted, and a figure for each column


@dataclass(frozen=True, slots=True)
class Phase:
    name: str
    begin_ns: float | None
    wall_ns: float | None
    cpu_ns: float | None
    user_ns: float | None
    system_ns: float | None
    operations: float | None
    minor_faults: float | None
    major_faults: float | None
    voluntary_switches: float | None
    involuntary_switches: float | None
    kernel: Mapping[str, float | None]
    tables: Mapping[str, Sequence[TableRow]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Latency:
    operation: str
    size_class: str
    count: float
    sampled_every: float
    percentiles: Mapping[str, float]  # "p50_ns", ..., "max_ns"
    buckets: Sequence[tuple[float, float]] = ()  # (upper edge in ns, samples), ascending


@dataclass(frozen=True, slots=True)
class Series:
    name: str
    at_ns: Sequence[float]
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class KernelCheck:
    """Two sources of one figure, compared over a trial."""

    metrics: Sequence[str]
    against: str
    value: float | None
    other: float | None
    relation: str  # equal, at most
    trusted: bool


@dataclass(frozen=True, slots=True)
class Trial:
    workload: str
    allocator: str
    threads: int
    round: int
    seed: str
    valid: bool
    invalid_reason: str
    exit: str  # in words, "" when it exited with 0
    stderr: str
    peak_rss_bytes: float | None
    retained_rss_bytes: float | None
    process_peak_rss_bytes: float | None
    harness_bytes: float | None
    harness_file_bytes: float | None
    baseline_rss_bytes: float | None
    begin_ns: float | None
    phases: Mapping[str, Phase]
    latency: Sequence[Latency]
    series: Mapping[str, Series]
    notes: Sequence[str]
    kernel_checks: Sequence[KernelCheck] = ()
    occupancy: str | None = None  # why its series of it do not hold, "" if they do; None: none was kept


@dataclass(frozen=True, slots=True)
class Workload:
    label: str
    pattern: str = ""
    threads: int = 1
    parameters: Mapping[str, str] = field(default_factory=dict)  # all it ran with
    given: Mapping[str, str] | None = None  # those that were not defaults; None: not recorded
    summary: str = ""
    citation: str = ""


@dataclass(frozen=True, slots=True)
class Allocator:
    name: str
    path: str = ""
    version: str = ""
    version_source: str = ""
    sha256: str = ""
    floor: bool = False
    kernel: bool = False  # no allocator: where workloads run that have none in what they measure

    @property
    def libc(self) -> str:
        """Which C library it is a part of, as the library said itself; "" where it is none or unknown."""
        known = self.version and self.version_source == "gnu_get_libc_version()"
        return f"glibc {self.version}" if known else ""


@dataclass(frozen=True, slots=True)
class Skipped:
    workload: str
    allocator: str
    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of the doctor."""

    id: str
    status: str  # ok, warn, fail
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Capability:
    group: str
    layer: str
    status: str  # ok, degraded, unavailable
    reason: str
    errno: str
    remedy: str


@dataclass(frozen=True, slots=True)
class KernelMetric:
    name: str
    group: str
    layer: str
    kind: str
    scope: str
    help: str


@dataclass(frozen=True, slots=True)
class KernelTable:
    """What the rows of a phase's table of this name are."""

    name: str
    group: str
    layer: str
    key: str
    columns: Sequence[str]


@dataclass(frozen=True, slots=True)
class Document:
    source: str  # the file it was read from
    schema: str
    complete: bool
    tool_version: str
    command: Sequence[str]
    started: str
    finished: str
    fingerprint: str
    deciding: Mapping[str, str]
    host: Mapping[str, str]
    doctor: Sequence[Finding]
    suite: str
    seed: str
    rounds_planned: int | None
    environment: Mapping[str, str]
    workloads: Sequence[Workload]
    allocators: Sequence[Allocator]
    skipped: Sequence[Skipped]
    capabilities: Sequence[Capability]
    kernel_metrics: Sequence[KernelMetric]
    trials: Sequence[Trial]  # of whole rounds only
    rounds: Sequence[int]  # the rounds of `trials`, ascending
    dropped: int  # trials of a round that was not whole, left out
    remarks: Sequence[str]  # what reading had to leave out, in words
    counts: Sequence[Trial] = ()  # with the probes that slow down: kernel counts, and no times to be compared
    occupancy: Sequence[Trial] = ()  # with what live blocks occupy over time, and no times to be compared
    kernel_tables: Sequence[KernelTable] = ()
    probes: Sequence[str] | None = None  # the groups that were chosen; None: not recorded
    stress: Stress | None = None  # checks of correctness, from a document of their own
    scarcity: Scarcity | None = None  # a workload short of memory, from a document of its own

    def allocator(self, name: str) -> Allocator | None:
        return next((allocator for allocator in self.allocators if allocator.name == name), None)

    def subjects(self) -> list[Allocator]:
        """The allocators that are compared: all but the floor and the one that stands for none."""
        return [allocator for allocator in self.allocators if not (allocator.floor or allocator.kernel)]

    def compared_workloads(self) -> list[Workload]:
        """Those with an allocator in what they measure."""
        nobody = {allocator.name for allocator in self.allocators if allocator.kernel}
        alone = {trial.workload for trial in self.trials if trial.allocator in nobody}
        return [workload for workload in self.workloads if workload.label not in alone]

    def floors(self) -> list[Allocator]:
        return [allocator for allocator in self.allocators if allocator.floor]
