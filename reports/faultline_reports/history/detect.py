"""Change points over the series of a history, and newest values that ask for another run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faultline_reports import metrics
from faultline_reports.history.model import Floats, Run, Series, Table
from faultline_reports.statistics import change_points
from faultline_reports.statistics.change_points import Change
from faultline_reports.statistics.thresholds import CHANGE_LEAST_POINTS, CHANGE_WINDOW


@dataclass(frozen=True)
class Found:
    """A change of a series' level; sizes are on the log scale."""

    series: Series
    change: Change
    run: Run  # the first of the new level
    previous: Run  # the last of the old one
    runs_before: int  # of this series
    runs_after: int


@dataclass(frozen=True)
class Suspect:
    """A newest value so far from those before it that the run should be repeated before anyone is told."""

    series: Series
    run: Run
    deviations: float
    size: float  # from the median before it


@dataclass(frozen=True)
class Detected:
    changes: Sequence[Found]  # the newest first
    suspects: Sequence[Suspect]
    series: int  # with points enough to look at
    runs: int


def detect(table: Table) -> Detected:
    present = [np.flatnonzero(~np.isnan(column)) for column in table.centres.T]
    enough = [n for n, places in enumerate(present) if len(places) >= 2 * CHANGE_LEAST_POINTS]
    columns = np.ascontiguousarray(table.centres.T)
    values = {n: columns[n][present[n]] for n in enough}
    changes = {n: _that_matter(table.series[n], change_points.find(values[n])) for n in enough}
    kept = change_points.believed([changes[n] for n in enough], len(enough))
    found: list[Found] = []
    suspects: list[Suspect] = []
    for n, believed in zip(enough, kept):
        runs = [table.runs[place] for place in present[n]] if changes[n] else []
        if believed:
            found += [
                Found(table.series[n], c, runs[c.at], runs[c.at - 1], c.at, len(runs) - c.at)
                for c in changes[n]
            ]
        if present[n][-1] == len(table.runs) - 1:
            since = changes[n][-1].at if believed and changes[n] else 0
            suspects += _suspects(table.series[n], table.runs[-1], values[n], since)
    found.sort(key=lambda entry: (-entry.run.started_ns, entry.change.p, entry.series.label))
    suspects.sort(key=lambda entry: -abs(entry.deviations))
    return Detected(found, suspects, len(enough), len(table.runs))


def _that_matter(one: Series, changes: Sequence[Change]) -> list[Change]:
    """Without those of a few events or pages, whatever their share: what the metric's margin says."""
    absolute = metrics.by_key(one.metric).margin.absolute
    return [c for c in changes if abs(math.exp(c.after) - math.exp(c.before)) >= absolute or not absolute]


def _suspects(one: Series, run: Run, values: Floats, since: int) -> list[Suspect]:
    away = change_points.newest(values, since)
    if away is None:
        return []
    before = float(np.median(values[since:-1][-CHANGE_WINDOW:]))
    size = float(values[-1]) - before
    absolute = metrics.by_key(one.metric).margin.absolute
    if absolute and abs(math.exp(float(values[-1])) - math.exp(before)) < absolute:
        return []
    return [Suspect(one, run, away, size)]
