"""Reads a result document into the typed model, and says in one line what is wrong with one that cannot be
read.

The reader asks only for what nothing can be said without (schema, trials, and in a trial its workload,
allocator, round and validity); every other field may be missing and is then "not measured". A field that is
there must have the right type. Any older schema version is read; a newer one is refused. A document that is
not complete, left by a run that was killed, is read as the whole rounds it holds.
"""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from faultline_reports import fields, model
from faultline_reports.errors import Exit, UserError
from faultline_reports.fields import Object

SCHEMA_PREFIX = "faultline-results/"
SCHEMA_VERSION = 1

# Values that name every workload or every allocator in a record of what was skipped.
EVERY = ("", "*")


# A larger file is read piece by piece: as text and as objects at once it would need many times its size.
LARGE_BYTES = 32 * 2**20


def load(path: str) -> model.Document:
    """The document in file `path`. Raises UserError."""
    if os.path.isfile(path) and os.path.getsize(path) > LARGE_BYTES:
        return _in_pieces(path)
    return parse(fields.read(path), path)


def _in_pieces(path: str) -> model.Document:
    """As parse(), but a trial at a time."""
    gc.disable()  # millions of objects are made that are no garbage
    try:
        return _document(*_pieces(path))
    finally:
        gc.enable()


LISTS = ("trials", "counts", "occupancy")  # of trials


def _pieces(path: str) -> tuple[Object, dict[str, list[model.Trial]]]:
    rest: dict[str, Any] = {}
    trials: dict[str, list[model.Trial]] = {key: [] for key in LISTS}
    for key, index, value in fields.pieces(path, (*LISTS, "benchmarks")):
        if index is None:
            rest[key] = value
        elif key in trials:
            rest.setdefault(key, [])
            if not isinstance(value, dict):
                raise UserError(Exit.DATA, path, f"`{key}[{index}]` is not an object", fields.REMEDY)
            trials[key].append(_trial(Object(value, f"{key}[{index}]", path)))
    return Object(rest, "", path), trials


def parse(content: bytes, source: str) -> model.Document:
    """The document in `content`; `source` names it in errors. Raises UserError."""
    return _document(Object(fields.parse(content, source), "", source))


def _document(root: Object, read: Mapping[str, Sequence[model.Trial]] | None = None) -> model.Document:
    """`read`: the lists of trials, where they are not in `root`."""
    root.required("schema")
    schema = root.text("schema")
    _check_schema(root, schema)
    root.required("trials")
    if read is None:
        read = {key: [_trial(entry) for entry in root.children(key)] for key in LISTS}

    complete = root.boolean("complete", True)
    tool, host, plan = root.child("tool"), root.child("host"), root.child("plan")
    remarks: list[str] = []
    trials, repeated = _unique(read["trials"])
    if repeated:
        remarks.append(f"{repeated} trials came twice in the same round; the first of each is used.")
    workloads = _with_missing_workloads([_workload(entry) for entry in plan.children("workloads")], trials)
    allocators = _with_missing_allocators(
        [_allocator(entry) for entry in plan.children("allocators")], trials
    )
    skipped = [
        model.Skipped(entry.text("workload"), entry.text("allocator"), entry.text("reason"))
        for entry in plan.children("skipped")
    ]

    rounds = sorted({trial.round for trial in trials})
    if not complete:
        expected = _expected_pairs(workloads, allocators, skipped)
        rounds = [
            number
            for number in rounds
            if _of_shard(expected, plan.child("shard"), number) <= _pairs_of_round(trials, number)
        ]
    whole = set(rounds)
    kept = [trial for trial in trials if trial.round in whole]

    planned = plan.whole("rounds")
    return model.Document(
        source=root.source,
        schema=schema,
        complete=complete,
        tool_version=tool.text("version"),
        command=tool.texts("command"),
        started=tool.text("started"),
        finished=tool.text("finished"),
        fingerprint=host.text("fingerprint"),
        deciding=host.child("deciding").printed(),
        host={key: value for key, value in host.printed().items() if key not in ("deciding", "fingerprint")},
        doctor=[
            model.Finding(
                entry.text("id"), entry.text("status", "ok"), entry.text("what"), entry.text("remedy")
            )
            for entry in root.children("doctor")
        ],
        suite=plan.text("suite"),
        seed=plan.scalar("seed"),
        rounds_planned=planned,
        environment=plan.child("environment").printed(),
        workloads=workloads,
        allocators=allocators,
        skipped=skipped,
        capabilities=[_capability(entry) for entry in root.children("capabilities")],
        kernel_metrics=[
            model.KernelMetric(
                *(entry.text(key) for key in ("name", "group", "layer", "kind", "scope", "help"))
            )
            for entry in root.children("metrics")
        ],
        trials=kept,
        rounds=rounds,
        dropped=len(trials) - len(kept),
        remarks=remarks,
        counts=_unique(read["counts"])[0],
        occupancy=_unique(read["occupancy"])[0],
        kernel_tables=[
            model.KernelTable(
                entry.text("name"),
                entry.text("group"),
                entry.text("layer"),
                entry.text("key"),
                entry.texts("columns"),
            )
            for entry in root.children("tables")
        ],
        probes=plan.texts("probes") if plan.has("probes") else None,
    )


def _check_schema(root: Object, schema: str) -> None:
    match = re.fullmatch(re.escape(SCHEMA_PREFIX) + r"([0-9]{1,6})", schema)
    if match is None:
        root.fail("schema", f'is "{schema[:80]}", not "{SCHEMA_PREFIX}{SCHEMA_VERSION}"')
    if int(match.group(1)) > SCHEMA_VERSION:
        raise UserError(
            Exit.DATA,
            root.source,
            f"has schema {schema}, newer than {SCHEMA_PREFIX}{SCHEMA_VERSION}, which this faultline reads",
            "read it with the faultline that wrote it, or a newer one",
        )


def _trial(entry: Object) -> model.Trial:
    entry.required("round")
    entry.required("valid")
    number = entry.whole("round")
    if number is None:
        entry.fail("round", "is null, not a number")
    threads = entry.whole("threads")
    return model.Trial(
        workload=entry.name("workload"),
        allocator=entry.name("allocator"),
        threads=1 if threads is None else threads,
        round=number,
        seed=entry.scalar("seed"),
        valid=entry.boolean("valid", False),
        invalid_reason=entry.text("invalid_reason"),
        exit=_exit(entry.child("exit")),
        stderr=entry.lines("stderr"),
        peak_rss_bytes=entry.number("peak_rss_bytes"),
        retained_rss_bytes=entry.number("retained_rss_bytes"),
        process_peak_rss_bytes=entry.number("process_peak_rss_bytes"),
        harness_bytes=entry.number("harness_bytes"),
        harness_file_bytes=entry.number("harness_file_bytes"),
        baseline_rss_bytes=entry.number("baseline_rss_bytes"),
        begin_ns=entry.number("begin_ns"),
        phases={phase.name: phase for phase in map(_phase, entry.children("phases"))},
        latency=[_latency(row) for row in entry.children("latency")],
        series={series.name: series for series in map(_series, entry.children("series"))},
        notes=entry.texts("notes"),
        kernel_checks=[
            model.KernelCheck(
                metrics=row.text("metrics").split("+"),
                against=row.text("against"),
                value=row.number("value"),
                other=row.number("other"),
                relation=row.text("relation"),
                trusted=row.boolean("trusted", False),
            )
            for row in entry.children("kernel_checks")
        ],
        occupancy=entry.child("occupancy").text("reason") if entry.has("occupancy") else None,
    )


def _exit(entry: Object) -> str:
    if entry.boolean("timed_out", False):
        return "timed out"
    signal, status = entry.number("signal"), entry.number("status")
    if signal is not None:
        return f"killed by signal {signal:.0f}"
    return f"exit status {status:.0f}" if status else ""


def _phase(entry: Object) -> model.Phase:
    return model.Phase(
        name=entry.name("name"),
        begin_ns=entry.number("begin_ns"),
        wall_ns=entry.number("wall_ns"),
        cpu_ns=entry.number("cpu_ns"),
        user_ns=entry.number("user_ns"),
        system_ns=entry.number("system_ns"),
        operations=entry.number("operations"),
        minor_faults=entry.number("minor_faults"),
        major_faults=entry.number("major_faults"),
        voluntary_switches=entry.number("voluntary_switches"),
        involuntary_switches=entry.number("involuntary_switches"),
        kernel=entry.child("kernel").figures(),
        tables=entry.child("tables").tables(),
    )


def _latency(entry: Object) -> model.Latency:
    names = [key for key in entry.printed() if re.fullmatch(r"(p[0-9]+|max)_ns", key)]
    return model.Latency(
        operation=entry.text("operation"),
        size_class=entry.text("size_class"),
        count=entry.number("count") or 0.0,
        sampled_every=entry.number("sampled_every") or 1.0,
        percentiles={name: value for name in names if (value := entry.number(name)) is not None},
        buckets=entry.pairs("buckets"),
    )


def _series(entry: Object) -> model.Series:
    at_ns, values = entry.numbers("at_ns"), entry.numbers("values")
    if len(at_ns) != len(values):
        entry.fail("values", f"has {len(values)} entries for {len(at_ns)} in `at_ns`")
    return model.Series(entry.name("name"), at_ns, values)


def _workload(entry: Object) -> model.Workload:
    threads = entry.whole("threads")
    return model.Workload(
        label=entry.name("workload"),
        pattern=entry.text("pattern"),
        threads=1 if threads is None else threads,
        parameters=entry.child("parameters").printed(),
        given=entry.child("given").printed() if entry.has("given") else None,
        summary=entry.text("summary"),
        citation=entry.text("citation"),
    )


def _allocator(entry: Object) -> model.Allocator:
    return model.Allocator(
        name=entry.name("name"),
        path=entry.text("path"),
        version=entry.text("version"),
        version_source=entry.text("version_source"),
        sha256=entry.text("sha256"),
        floor=entry.text("role", "subject") == "floor",
        kernel=entry.text("role", "subject") == "kernel",
    )


def _capability(entry: Object) -> model.Capability:
    return model.Capability(
        group=entry.text("group"),
        layer=entry.text("layer"),
        status=entry.text("status", "ok"),
        reason=entry.text("reason"),
        errno=entry.scalar("errno") if entry.number("errno") else "",
        remedy=entry.text("remedy"),
    )


def _unique(trials: Sequence[model.Trial]) -> tuple[list[model.Trial], int]:
    """The first trial of each (workload, allocator, round), and how many others there were."""
    first: dict[tuple[str, str, int], model.Trial] = {}
    for trial in trials:
        first.setdefault((trial.workload, trial.allocator, trial.round), trial)
    return list(first.values()), len(trials) - len(first)


def _with_missing_workloads(
    planned: list[model.Workload], trials: Sequence[model.Trial]
) -> list[model.Workload]:
    """The plan's workloads, once each, and those that only trials name."""
    known = {workload.label: workload for workload in reversed(planned)}
    ordered = list(
        dict.fromkeys([workload.label for workload in planned] + [trial.workload for trial in trials])
    )
    threads = {trial.workload: trial.threads for trial in trials}
    return [known.get(label) or model.Workload(label, threads=threads[label]) for label in ordered]


def _with_missing_allocators(
    planned: list[model.Allocator], trials: Sequence[model.Trial]
) -> list[model.Allocator]:
    known = {allocator.name: allocator for allocator in reversed(planned)}
    ordered = list(
        dict.fromkeys([allocator.name for allocator in planned] + [trial.allocator for trial in trials])
    )
    return [known.get(name) or model.Allocator(name) for name in ordered]


def _expected_pairs(
    workloads: Sequence[model.Workload],
    allocators: Sequence[model.Allocator],
    skipped: Sequence[model.Skipped],
) -> set[tuple[str, str]]:
    """The (workload, allocator) pairs of one whole round."""

    def skips(row: model.Skipped, workload: str, allocator: str) -> bool:
        return row.workload in (*EVERY, workload) and row.allocator in (*EVERY, allocator)

    return {
        (workload.label, allocator.name)
        for workload in workloads
        for allocator in allocators
        if not any(skips(row, workload.label, allocator.name) for row in skipped)
    }


def _of_shard(pairs: set[tuple[str, str]], shard: Object, number: int) -> set[tuple[str, str]]:
    """Those that a node runs in this round; all where it is no shard."""
    if not shard.has("parts"):
        return pairs
    labels = set()
    for part in shard.children("parts"):
        first = part.whole("first_round") or 0
        if first <= number < first + (part.whole("rounds") or 0):
            labels.add(part.text("workload"))
    return {pair for pair in pairs if pair[0] in labels}


def _pairs_of_round(trials: Sequence[model.Trial], number: int) -> set[tuple[str, str]]:
    return {(trial.workload, trial.allocator) for trial in trials if trial.round == number}
