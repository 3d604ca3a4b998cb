"""The kernel's part of a workload: where the time went, faults by kind, page orders and GFP flags, system
calls, and why one allocator needed more than another where the counts tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faultline_reports import formatting
from faultline_reports.model import Document
from faultline_reports.report import counted, explain, stacks
from faultline_reports.report.counted import TIMED_PHASE, Arm
from faultline_reports.report.details import SPLIT_FROM_NS
from faultline_reports.report.drawing import Grid, Picture
from faultline_reports.statistics.verdict import Effect

FAULT_KINDS = (
    ("faults_anonymous", "fresh page"),
    ("faults_huge", "huge page"),
    ("faults_zero_page", "read of an untouched page"),
    ("faults_cow", "copy on write"),
    ("faults_reuse", "made writable in place"),
    ("faults_file", "page of a file"),
    ("faults_shmem", "shared memory"),
    ("faults_swap", "from swap"),
    ("faults_other", "other"),
)
CALLS = (
    ("system_calls", "all system calls", ""),
    ("brk_calls", "brk", ""),
    ("brk_grown_bytes", "brk, grown", "bytes"),
    ("brk_shrunk_bytes", "brk, shrunk", "bytes"),
    ("mmap_calls", "mmap", ""),
    ("mmap_bytes", "mmap, size", "bytes"),
    ("munmap_calls", "munmap", ""),
    ("munmap_bytes", "munmap, size", "bytes"),
    ("mremap_calls", "mremap", ""),
    ("mremap_grown_bytes", "mremap, grown", "bytes"),
    ("mremap_shrunk_bytes", "mremap, shrunk", "bytes"),
    ("mprotect_calls", "mprotect", ""),
    ("mprotect_bytes", "mprotect, size", "bytes"),
    ("madvise_calls", "madvise", ""),
    ("madvise_bytes", "madvise, size", "bytes"),
    ("memory_calls_failed", "of these, failed", ""),
)
ROWS_OF_PAGES = 8


@dataclass(frozen=True)
class Part:
    sentences: Sequence[str]
    pictures: Sequence[Picture]
    time: Grid | None  # where no picture has it
    faults: Grid | None
    pages: Grid | None
    calls: Grid | None
    missing: Sequence[str]  # what was not measured, and why


def part(
    document: Document,
    arms: Sequence[Arm],
    baseline: str,
    effects: Mapping[str, Effect | None],
    draws: bool = True,
) -> Part:
    """Of one workload. `effects`: of CPU time, by allocator, relative to the baseline."""
    missing: list[str] = []
    time, time_picture = _time(document, arms, missing, draws)
    faults, faults_picture = _faults(document, arms, missing, draws)
    pages = _pages(arms)
    if pages is None:
        missing.append(f"Pages by order and flags: {counted.why_not(document, 'pages')}")
    calls = _calls(arms)
    if calls is None:
        missing.append(f"System calls: {counted.why_not(document, 'syscalls')}")
    base = next((arm for arm in arms if arm.name == baseline), None)
    others = [(arm, effects.get(arm.name)) for arm in arms if arm.name != baseline]
    return Part(
        explain.sentences(base, others) if base is not None else [],
        [picture for picture in (time_picture, faults_picture) if picture is not None],
        time,
        faults,
        pages,
        calls,
        missing,
    )


def _time(
    document: Document, arms: Sequence[Arm], missing: list[str], draws: bool
) -> tuple[Grid | None, Picture | None]:
    """CPU time of the measured phase, divided as far as it was measured."""
    rows = [stacks.Stack(arm.name, parts) for arm in arms if (parts := _parts(arm))]
    if not rows:
        return None, None
    heads = list(dict.fromkeys(what for row in rows for what, _ in row.parts))
    grid = Grid(
        ["allocator", *heads],
        [
            [row.name, *(formatting.quantity(dict(row.parts).get(what), "ns") for what in heads)]
            for row in rows
        ],
    )
    known_faults = any(arm.count("fault_ns", [TIMED_PHASE]) is not None for arm in arms)
    if not known_faults:
        missing.append(f"Time in page faults: {counted.why_not(document, 'latency')}")
    whose = "the counted trial, which the probes slow down" if known_faults else "median of the timed trials"
    caption = f"CPU time of the measured phase: {whose}."
    if not draws:
        return grid, None
    svg = stacks.draw(rows, "ns", "Where the CPU time of the measured phase went")
    return None, Picture("Where the time went", caption, stacks.drawing(svg, grid))


def _parts(arm: Arm) -> list[tuple[str, float]]:
    """Faults and reclaim from the counted trial, of its own CPU time; the rest divided between program and
    kernel where the phase is long enough for the kernel's ticks to tell."""
    fault = arm.count("fault_ns", [TIMED_PHASE])
    pick = arm.measured if fault is None else arm.measured_counted
    cpu, user, system = pick("cpu_ns"), pick("user_ns"), pick("system_ns")
    if cpu is None or cpu <= 0:
        return []
    reclaim = [arm.count(name, [TIMED_PHASE]) for name in ("direct_reclaim_ns", "memcg_reclaim_ns")]
    known = [value for value in reclaim if value is not None]
    stood = min(cpu, sum(known)) if known and fault is not None else 0.0
    # A fault's time includes the reclaim it met, and waiting, which is no CPU time.
    handling = max(0.0, min(cpu, fault) - stood) if fault is not None else 0.0
    parts = []
    if user is None or system is None or cpu < SPLIT_FROM_NS:
        parts.append(("program and kernel, not divided", max(0.0, cpu - handling - stood)))
    else:
        program = cpu * user / (user + system) if user + system > 0 else cpu
        program = min(program, cpu - handling - stood)
        parts.append(("program", max(0.0, program)))
        rest = "kernel" if fault is None else "kernel, other"
        parts.append((rest, max(0.0, cpu - program - handling - stood)))
    if fault is not None:
        parts.append(("page faults", handling))
        parts.append(("reclaim", stood))
    return parts


def _faults(
    document: Document, arms: Sequence[Arm], missing: list[str], draws: bool
) -> tuple[Grid | None, Picture | None]:
    """Over the working phases, as the table of the first screen counts them."""
    rows = []
    for arm in arms:
        counts = [(what, arm.count(name)) for name, what in FAULT_KINDS]
        known = [(what, value) for what, value in counts if value is not None]
        if known:
            rows.append(stacks.Stack(arm.name, known))
    if not rows:
        missing.append(f"Faults by kind: {counted.why_not(document, 'fault_kinds')}")
        return None, None
    heads = [what for _, what in FAULT_KINDS if any(dict(row.parts).get(what) for row in rows)]
    grid = Grid(
        ["allocator", *heads],
        [[row.name, *(formatting.quantity(dict(row.parts).get(what), "") for what in heads)] for row in rows],
    )
    if not heads or not draws:
        return grid if heads else None, None
    svg = stacks.draw(rows, "", "Page faults by kind")
    caption = "Warm-up, measured phase and drain; the counted trial."
    return None, Picture("Page faults by kind", caption, stacks.drawing(svg, grid))


def _pages(arms: Sequence[Arm]) -> Grid | None:
    """alloc_pages by order, migrate type and GFP flags: the rows with the most pages."""
    tables = {arm.name: arm.table("alloc_pages") for arm in arms}
    if not any(tables.values()):
        return None
    weight: dict[str, float] = {}
    for table in tables.values():
        for key, values in table.items():
            weight[key] = weight.get(key, 0.0) + (values[1] if len(values) > 1 else values[0])
    order = sorted(weight, key=lambda key: (-weight[key], key))
    rows = [
        [key, *(formatting.quantity(table.get(key, [0.0])[0], "") for table in tables.values())]
        for key in order[:ROWS_OF_PAGES]
    ]
    rest = order[ROWS_OF_PAGES:]
    if rest:
        left = [sum(table[key][0] for key in rest if key in table) for table in tables.values()]
        rows.append(
            [
                formatting.count(len(rest), "other kind", "other kinds"),
                *(formatting.quantity(v, "") for v in left),
            ]
        )
    return Grid(["order, migrate type, GFP flags", *tables], rows)


def _calls(arms: Sequence[Arm]) -> Grid | None:
    rows = []
    for name, what, unit in CALLS:
        counts = [arm.count(name) for arm in arms]
        if any(counts):
            rows.append([what, *(formatting.quantity(value, unit) for value in counts)])
        if name == "madvise_bytes":
            rows += _advice(arms)
    if not rows and all(arm.count("system_calls") is None for arm in arms):
        return None
    return Grid(["call", *(arm.name for arm in arms)], rows or [["none", *("0" for _ in arms)]])


def _advice(arms: Sequence[Arm]) -> list[list[str]]:
    tables = [arm.table("madvise") for arm in arms]
    kinds = dict.fromkeys(kind for table in tables for kind in table)

    def cell(table: Mapping[str, Sequence[float]], kind: str) -> str:
        calls, size = (*table.get(kind, (0.0, 0.0)), 0.0)[:2]
        return f"{formatting.quantity(calls, '')} ({formatting.quantity(size, 'bytes')})" if calls else "0"

    return [[f"madvise {kind}", *(cell(table, kind) for table in tables)] for kind in kinds]
