"""Latencies of single calls: histograms put together, what is shown of them, and where nothing is known."""

from __future__ import annotations

import json
from typing import Any

import fake_details
import fake_documents
import pytest
from faultline_reports import document, histogram
from faultline_reports.model import Latency
from faultline_reports.report import latency
from faultline_reports.report.latency import AXIS, FIELDS

ROW = fake_documents.WORKLOADS[2:3]


def row(buckets: list[tuple[float, float]], size_class: str = "16", largest: float = 1e9) -> Latency:
    return Latency("malloc", size_class, sum(n for _, n in buckets), 251, {"max_ns": largest}, buckets)


def test_quantiles_are_the_workers() -> None:
    assert histogram.quantiles(row([(10, 50), (20, 50)]), [0.0, 0.5, 0.51, 1.0]) == [10, 10, 20, 20]
    assert histogram.quantiles(row([(31, 1)], largest=30), [0.5]) == [30]


def test_size_classes_are_put_together_sample_by_sample() -> None:
    joined = histogram.merged(
        "malloc", "all", [row([(10, 90), (40, 1)], largest=40), row([(20, 9)], "32", 20)], FIELDS
    )
    assert joined.buckets == [(10, 90), (20, 9), (40, 1)] and joined.count == 100
    assert [joined.percentiles[name] for name in ("p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns")] == [
        10,
        10,
        20,
        40,
        40,
    ]


def test_the_axis_gives_each_nine_the_same_room() -> None:
    at = [AXIS.at(histogram.share_of(field)) for field in ("p90_ns", "p99_ns", "p999_ns", "p9999_ns")]
    assert at == pytest.approx([0.25, 0.5, 0.75, 1.0]) and AXIS.at(0.0) == 0
    assert [text for _, text in AXIS.ticks] == ["0", "50", "90", "99", "99.9", "99.99"]


def found(value: dict[str, Any]) -> latency.Workload:
    read = document.parse(json.dumps(value).encode(), "r.json")
    trials: dict[str, Any] = {}
    for trial in read.trials:
        trials.setdefault(trial.allocator, []).append(trial)
    return latency.collect([entry for entry in read.allocators if entry.name in trials], trials)


def sized(**options: Any) -> dict[str, Any]:
    made = fake_documents.make(rounds=4, workloads=ROW, allocators=("system", "jemalloc"), samples=0)
    return fake_details.by_size(made, **options)


def test_by_operation_and_by_size_class() -> None:
    seen = found(sized())
    drawn = latency.pictures(seen, "larson2", ["null"], few=False)
    titles = ["Latency of malloc", "Latency of free", "Latency of realloc"]
    assert [picture.title for picture in drawn] == titles + [f"{title} by size of block" for title in titles]
    assert all("null" not in picture.svg for picture in drawn)
    assert [p.title for p in latency.pictures(seen, "larson2", [], few=True)] == titles[:2]
    more = latency.more_pictures(seen, "larson2", [])
    assert len(more) == 6 and more[0].title == "Latency of malloc, blocks of 9 B to 16 B"
    grid = latency.table(seen)
    assert grid is not None and [line[:3] for line in grid.rows[:4]] == [
        ["malloc", "all", "system"],
        ["malloc", "all", "jemalloc"],
        ["malloc", "all", "null"],
        ["malloc", "16", "system"],
    ]
    classes = latency.table_of_classes(seen)
    assert classes is not None and len(classes.rows) == 15


def test_one_size_class_has_no_picture_by_size_and_nothing_is_invented() -> None:
    seen = found(sized(classes=(64,)))
    assert {size for _, size in seen.counts} == {"64"}
    assert [p.title for p in latency.pictures(seen, "x", [], few=False)][-1] == "Latency of realloc"
    assert latency.table_of_classes(seen) is None and not latency.more_pictures(seen, "x", [])


def test_few_samples_give_no_far_percentile() -> None:
    value = sized(classes=(64,))
    for trial in value["trials"]:
        for entry in trial["latency"]:
            entry.update(count=88, buckets=[[30, 88]])
    grid = latency.table(found(value))
    assert grid is not None and grid.rows[0][-4:-1] == ["too few"] * 3


def test_percentiles_without_histograms_are_shown_as_they_are() -> None:
    value = sized()
    for trial in value["trials"]:
        for entry in trial["latency"]:
            entry["buckets"] = []
    seen = found(value)
    assert "all" not in {size for _, size in seen.counts}
    assert latency.pictures(seen, "x", [], few=True)
