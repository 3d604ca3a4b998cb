"""The price of speed: every allocator by CPU time and by memory, over the workloads that all of them ran and
whose memory can be compared; who is tied with whom, and whom nobody beats in both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faultline_reports import formatting
from faultline_reports.comparison import Matrix
from faultline_reports.metrics import Metric
from faultline_reports.report.analysis import Analysis
from faultline_reports.statistics import ranking, signed_rank
from faultline_reports.statistics.interval import Interval


@dataclass(frozen=True)
class Point:
    name: str
    time: Interval  # logarithms of ratios to the baseline
    memory: Interval
    front: bool  # nobody is certainly better in one and not worse in the other
    ties: Sequence[str]  # with whom it is tied in both; empty where nothing is certain


@dataclass(frozen=True)
class Pareto:
    baseline: str
    memory: Metric
    points: Sequence[Point]  # the least CPU time first
    time_over: int  # workloads
    memory_over: int
    workloads: int
    certain: bool  # whether so many rounds can tell any two apart

    @property
    def front(self) -> list[str]:
        return [point.name for point in self.points if point.front]

    def rows(self) -> list[list[str]]:
        """The picture as a table."""
        return [
            [
                point.name,
                *_figures(point.time, point.name == self.baseline),
                *_figures(point.memory, point.name == self.baseline),
                ("yes" if point.front else "no") if self.certain else "too few rounds",
                (", ".join(point.ties) or "nobody") if self.certain else "too few rounds",
            ]
            for point in self.points
        ]

    def scope(self) -> str:
        def of(count: int) -> str:
            if count == self.workloads:
                return f"all {count} workloads" if count > 1 else "the workload"
            return f"{count} of {self.workloads} workloads"

        if self.time_over == self.memory_over:
            return f"Geometric means over {of(self.time_over)}"
        return f"Geometric means: CPU time over {of(self.time_over)}, memory over {of(self.memory_over)}"


def _figures(interval: Interval, baseline: bool) -> tuple[str, str]:
    if baseline:
        return "baseline", ""
    ends = [formatting.change(math.exp(value)) for value in (interval.low, interval.high)]
    return formatting.change(math.exp(interval.estimate)), formatting.spanned(*ends)


def of(analysis: Analysis) -> Pareto | None:
    """None where there are not two allocators, the baseline among them, with both figures in the same
    rounds."""
    labels = [workload.label for workload in analysis.document.compared_workloads()]
    subjects = [allocator.name for allocator in analysis.document.subjects()]
    time, memory = analysis.time, analysis.memory
    names = [
        name
        for name in subjects
        if all(any((label, name) in entry.samples for label in labels) for entry in (time, memory))
    ]
    if len(names) < 2 or analysis.baseline not in names:
        return None
    used = [_comparable(entry, labels, names) for entry in (time, memory)]
    means = [
        {name: ranking.mean_logs([entry.samples[label, name] for label in over]) for name in names}
        for entry, over in zip((time, memory), used)
    ]
    ranked = [ranking.rank(values) for values in means]
    if ranked[0] is None or ranked[1] is None:
        return None
    front = ranking.front([entry for entry in ranked if entry is not None])
    certain = ranked[0].enough_rounds or ranked[1].enough_rounds
    apart = {frozenset(pair) for entry in ranked if entry is not None for pair in entry.better}
    return Pareto(
        analysis.baseline,
        memory.metric,
        [
            Point(
                name,
                _against(means[0], name, analysis.baseline),
                _against(means[1], name, analysis.baseline),
                name in front,
                [n for n in names if certain and n != name and frozenset((name, n)) not in apart],
            )
            for name in ranked[0].order
        ],
        len(used[0]),
        len(used[1]),
        len(labels),
        certain,
    )


def _comparable(matrix: Matrix, labels: Sequence[str], names: Sequence[str]) -> list[str]:
    table, metric = matrix.samples, matrix.metric
    return [
        label
        for label in labels
        if label not in matrix.unsteady
        and all((label, name) in table for name in names)
        and min(value for name in names for value in table[label, name].values()) > 0
        and all(min(table[label, name].values()) >= metric.margin.ratio_from for name in names)
    ]


def _against(means: Mapping[str, Mapping[int, float]], name: str, baseline: str) -> Interval:
    rounds = sorted(set.intersection(*(set(entry) for entry in means.values())))
    return signed_rank.interval([means[name][n] - means[baseline][n] for n in rounds])
