"""The raw samples that stand in a page as CSV, and what of the document is needed beside them to judge them
again: `faultline report --verify` reads both back."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from faultline_reports.metrics import WORKING_PHASES
from faultline_reports.model import Document, Trial

COLUMNS = (
    "round",
    "allocator",
    "valid",
    "cpu_ns",
    "wall_ns",
    "operations",
    "peak_rss_bytes",
    "retained_rss_bytes",
    "baseline_rss_bytes",
    "minor_faults",
    "cpu_pressure_ns",
    "memory_pressure_ns",
)
PRESSURE = {
    "cpu_pressure_ns": "host_cpu_pressure_ns",
    "memory_pressure_ns": "host_memory_pressure_some_ns",
}
SCHEMA = "faultline-report/1"


def csv_of(run: Sequence[Trial]) -> str:
    """The trials of a workload, a line each; times and operations are the measured phase's, page faults those
    from warm-up to drain. Empty: not measured."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for trial in sorted(run, key=lambda entry: (entry.round, entry.allocator)):
        writer.writerow(_row(trial))
    return text.getvalue()


def _row(trial: Trial) -> list[str]:
    phase = trial.phases.get("measure")
    faults = [entry.minor_faults for name, entry in trial.phases.items() if name in WORKING_PHASES]
    known = [value for value in faults if value is not None]
    values = [
        phase.cpu_ns if phase else None,
        phase.wall_ns if phase else None,
        phase.operations if phase else None,
        trial.peak_rss_bytes,
        trial.retained_rss_bytes,
        trial.baseline_rss_bytes,
        sum(known) if known and len(known) == len(faults) else None,
        *(phase.kernel.get(name) if phase else None for name in PRESSURE.values()),
    ]
    return [str(trial.round), trial.allocator, "1" if trial.valid else "0", *map(_figure, values)]


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return str(int(value)) if value == int(value) else repr(value)


def context(document: Document, baseline: str, false_alarms: str | None) -> dict[str, Any]:
    """All of a document that the first screen depends on, but its trials: a result document without them."""
    return {
        "schema": SCHEMA,
        "baseline": baseline,
        "false_alarms": false_alarms,
        "document": {
            "schema": document.schema,
            "complete": document.complete,
            "tool": {"version": document.tool_version, "command": list(document.command)},
            "host": {
                **{key: value for key, value in document.host.items() if key == "distribution"},
                "fingerprint": document.fingerprint,
                "deciding": dict(document.deciding),
            },
            "doctor": [
                {"id": entry.id, "status": entry.status, "what": entry.what} for entry in document.doctor
            ],
            "plan": {
                "suite": document.suite,
                "seed": document.seed,
                "rounds": document.rounds_planned,
                "workloads": [
                    {"workload": entry.label, "pattern": entry.pattern, "threads": entry.threads}
                    for entry in document.workloads
                ],
                "allocators": [
                    {
                        "name": entry.name,
                        "role": "floor" if entry.floor else "kernel" if entry.kernel else "subject",
                        # The headline says which C library it is.
                        **(
                            {"version": entry.version, "version_source": entry.version_source}
                            if entry.libc
                            else {}
                        ),
                    }
                    for entry in document.allocators
                ],
                "skipped": [
                    {"workload": entry.workload, "allocator": entry.allocator, "reason": ""}
                    for entry in document.skipped
                ],
            },
            "capabilities": [
                {"group": entry.group, "layer": entry.layer, "status": entry.status, "reason": ""}
                for entry in document.capabilities
            ],
        },
    }


def trials_of(workload: str, text: str) -> list[dict[str, Any]]:
    """The lines of csv_of() as trials of a result document. Raises ValueError for what is none."""
    trials = []
    reader = csv.DictReader(io.StringIO(text))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise ValueError("the samples have other columns")
    for row in reader:
        if None in row or None in row.values():
            raise ValueError("a line of samples is not whole")
        trials.append(_trial(workload, row))
    return trials


def _trial(workload: str, row: Mapping[str, str]) -> dict[str, Any]:
    def number(name: str) -> float | None:
        return float(row[name]) if row[name] else None

    kernel = {kernel_name: number(name) for name, kernel_name in PRESSURE.items() if row[name]}
    return {
        "workload": workload,
        "allocator": row["allocator"],
        "round": int(row["round"]),
        "valid": row["valid"] == "1",
        "peak_rss_bytes": number("peak_rss_bytes"),
        "retained_rss_bytes": number("retained_rss_bytes"),
        "baseline_rss_bytes": number("baseline_rss_bytes"),
        "phases": [
            {
                "name": "measure",
                **{name: number(name) for name in ("cpu_ns", "wall_ns", "operations", "minor_faults")},
                "kernel": kernel,
            }
        ],
    }
