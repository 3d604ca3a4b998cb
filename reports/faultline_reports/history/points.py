"""From a result document to what a history keeps of it.

Times are kept as ln(subject / reference), the reference measured in the same rounds: plain times of different
nights differ by more than what is looked for. Counts and memory are kept by themselves: they hardly move.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from faultline_reports import comparison, formatting, metrics
from faultline_reports.errors import Exit, UserError
from faultline_reports.history.model import Point, Record, Run, Series
from faultline_reports.metrics import LATENCY, METRICS, Metric
from faultline_reports.model import Allocator, Document
from faultline_reports.statistics import signed_rank
from faultline_reports.statistics.interval import Interval
from faultline_reports.statistics.order import median_interval

FOLLOWED: tuple[Metric, ...] = (*METRICS, *LATENCY, *map(metrics.kernel_count, metrics.MEMORY_CALLS))
DEFAULT_REFERENCE = "system"
_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True)
class Kept:
    record: Record
    notes: Sequence[str]  # what was left out, in words


def record(raw: Mapping[str, Any], loaded: Document, revision: str, reference: str | None) -> Kept:
    """Raises UserError for a document that has nothing to keep."""
    if not loaded.rounds:
        raise UserError(Exit.DATA, loaded.source, "holds no whole round", "keep runs that got through one")
    if not loaded.fingerprint:
        raise UserError(
            Exit.DATA, loaded.source, "does not say which host it is of", "add what `faultline run` wrote"
        )
    pinned = _reference(loaded, reference)
    notes = []
    if pinned is None:
        notes.append("no times are kept: there is no reference in it; run `system` beside the others")
    invalid = sum(not trial.valid for trial in loaded.trials)
    if invalid:
        notes.append(f"{formatting.count(invalid, 'invalid trial')} left out")
    if not loaded.complete:
        notes.append(f"the run was cut short: {formatting.count(len(loaded.rounds), 'whole round')} kept")
    points = _points(loaded, pinned)
    if not points:
        raise UserError(
            Exit.DATA, loaded.source, "holds no figure to keep", "; ".join(notes) or "see the run"
        )
    run = Run(
        digest=_digest(raw),
        started_ns=_started_ns(loaded),
        revision=revision,
        fingerprint=loaded.fingerprint,
        tool_version=loaded.tool_version,
        suite=loaded.suite,
        rounds=len(loaded.rounds),
    )
    return Kept(Record(run, points), notes)


def _reference(loaded: Document, wished: str | None) -> Allocator | None:
    found = loaded.allocator(wished or DEFAULT_REFERENCE)
    if wished is not None and found is None:
        names = ", ".join(allocator.name for allocator in loaded.allocators) or "none"
        raise UserError(Exit.USAGE, loaded.source, f"has no allocator {wished!r}", f"it has {names}")
    return found


def _points(loaded: Document, pinned: Allocator | None) -> dict[Series, Point]:
    works = {workload.label: _digest(comparison.work_of(workload))[:16] for workload in loaded.workloads}
    subjects = {allocator.name for allocator in loaded.subjects()}
    beside = f"{pinned.name}@{pinned.sha256[:16]}" if pinned else ""
    found: dict[Series, Point] = {}
    for metric in (metrics.told_by(entry, loaded) for entry in FOLLOWED):
        table = metrics.samples(loaded, metric)
        for (workload, allocator), values in table.items():
            if allocator not in subjects:
                continue
            timed = metric.unit == "ns"
            if timed and (pinned is None or allocator == pinned.name):
                continue
            point = (
                _ratio(values, table.get((workload, pinned.name), {})) if timed and pinned else _level(values)
            )
            if point is not None:
                one = Series(
                    loaded.fingerprint,
                    workload,
                    works[workload],
                    allocator,
                    metric.key,
                    beside if timed else "",
                )
                found[one] = point
    return found


def _ratio(subject: Mapping[int, float], pinned: Mapping[int, float]) -> Point | None:
    both = [n for n in subject if n in pinned and subject[n] > 0 and pinned[n] > 0]
    if not both:
        return None
    shown = signed_rank.interval([math.log(subject[n] / pinned[n]) for n in both])
    return _point(shown, [subject[n] for n in both])


def _level(values: Mapping[int, float]) -> Point:
    """A count of 0 is kept as one of 1: a difference below one event or byte is none."""
    return _point(
        median_interval([math.log(max(value, 1.0)) for value in values.values()]), list(values.values())
    )


def _point(shown: Interval, values: Sequence[float]) -> Point:
    return Point(shown.estimate, shown.low, shown.high, median_interval(values).estimate)


def _digest(value: Any) -> str:
    """Of what is said and not of how: white space and the order of keys are none of it."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _started_ns(loaded: Document) -> int:
    try:
        moment = datetime.datetime.fromisoformat(loaded.started.replace("Z", "+00:00"))
    except ValueError:
        raise UserError(
            Exit.DATA, loaded.source, "does not say when it was run", "add what `faultline run` wrote"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    return int(moment.timestamp()) * _NANOSECONDS + moment.microsecond * 1000


def when(started_ns: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(started_ns / _NANOSECONDS, datetime.timezone.utc)
