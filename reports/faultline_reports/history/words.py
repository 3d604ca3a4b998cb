"""What a history's findings say, on a terminal and as JSON (`faultline-changes/1`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from faultline_reports import formatting, metrics
from faultline_reports.ab.table import aligned
from faultline_reports.history.detect import Detected, Found, Suspect
from faultline_reports.history.model import Run, Series
from faultline_reports.history.points import when

METHOD = (
    "a change: E-divisive (energy statistic, 1,999 random orders, p < 0.001) and L1-Potts agree, four later "
    "runs, at least 1 % and two deviations; false discoveries held at 5 % over the series"
)


def day(run: Run) -> str:
    return when(run.started_ns).strftime("%Y-%m-%d")


def moment(run: Run) -> str:
    return when(run.started_ns).strftime("%Y-%m-%dT%H:%M:%SZ")


def revision(run: Run) -> str:
    return run.revision[:12] or "-"


def change(size: float) -> str:
    return formatting.change(math.exp(size))


def value(one: Series, centre: float) -> str:
    """A point as people read it: to the reference, or in the metric's unit."""
    if one.reference:
        return f"{change(centre)} to {one.reference.partition('@')[0]}"
    return formatting.quantity(math.exp(centre), metrics.by_key(one.metric).unit)


def direction(one: Series, size: float) -> str:
    metric = metrics.by_key(one.metric)
    return metric.higher if size > 0 else metric.lower


def detected(found: Detected) -> list[str]:
    looked = (
        f"{formatting.count(found.series, 'series', 'series')} over {formatting.count(found.runs, 'run')}"
    )
    if not found.changes:
        lines = [f"no change point in {looked}"]
        if not found.series:
            lines += [
                "a series needs four runs before a change and four from it on, mostly some fourteen in all; "
                "until then `faultline gate` compares two builds"
            ]
    else:
        lines = [f"{formatting.count(len(found.changes), 'change point')} in {looked}", ""]
        head = ["date", "revision", "series", "change", "95 % interval", "", "p", "runs since"]
        lines += aligned([head, *map(_row, found.changes)], left=(0, 1, 2, 5))
    if found.suspects:
        lines += ["", "the newest run is far from those before it; run it again before anyone is told:"]
        lines += [_suspect(entry) for entry in found.suspects]
    return [*lines, "", METHOD]


def _row(found: Found) -> list[str]:
    size = found.change.size
    return [
        day(found.run),
        revision(found.run),
        found.series.label,
        change(size.estimate),
        f"{change(size.low)} to {change(size.high)}",
        direction(found.series, size.estimate),
        f"{found.change.p:.1g}",
        str(found.runs_after),
    ]


def _suspect(entry: Suspect) -> str:
    away = f"{abs(entry.deviations):.0f} deviations"
    return f"- {entry.series.label}: {change(entry.size)} ({away}) in the run of {moment(entry.run)}"


def detected_json(found: Detected) -> dict[str, Any]:
    return {
        "schema": "faultline-changes/1",
        "runs": found.runs,
        "series": found.series,
        "method": METHOD,
        "changes": [
            {
                **series_json(entry.series),
                "date": moment(entry.run),
                "revision": entry.run.revision,
                "run": entry.run.digest,
                "previous_date": moment(entry.previous),
                "previous_revision": entry.previous.revision,
                "log_size": entry.change.size.estimate,
                "interval": [entry.change.size.low, entry.change.size.high],
                "before": entry.change.before,
                "after": entry.change.after,
                "word": direction(entry.series, entry.change.size.estimate),
                "p": entry.change.p,
                "runs_since": entry.runs_after,
            }
            for entry in found.changes
        ],
        "suspects": [
            {
                **series_json(entry.series),
                "date": moment(entry.run),
                "revision": entry.run.revision,
                "run": entry.run.digest,
                "log_size": entry.size,
                "deviations": entry.deviations,
            }
            for entry in found.suspects
        ],
    }


def series_json(one: Series) -> dict[str, str]:
    return {
        "workload": one.workload,
        "allocator": one.allocator,
        "metric": one.metric,
        "reference": one.reference.partition("@")[0],
        "host": one.fingerprint,
    }


def hosts(series: Sequence[Series]) -> int:
    return len({one.fingerprint for one in series})
