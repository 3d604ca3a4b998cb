"""Histograms of latencies: their sum, and quantiles of it as the worker takes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faultline_reports.model import Latency


def share_of(field: str) -> float:
    """ "p999_ns" -> 0.999."""
    return float("0." + field.removeprefix("p").removesuffix("_ns"))


def merged(operation: str, size_class: str, rows: Sequence[Latency], fields: Sequence[str]) -> Latency:
    """Rows of one trial, which have buckets, as one with the percentiles `fields`."""
    buckets: dict[float, float] = {}
    for row in rows:
        for upper, samples in row.buckets:
            buckets[upper] = buckets.get(upper, 0.0) + samples
    largest = [row.percentiles["max_ns"] for row in rows if "max_ns" in row.percentiles]
    percentiles = {"max_ns": max(largest)} if len(largest) == len(rows) else {}
    every = rows[0].sampled_every
    joined = Latency(
        operation, size_class, sum(buckets.values()), every, percentiles, sorted(buckets.items())
    )
    found = quantiles(joined, [share_of(field) for field in fields])
    return Latency(
        operation,
        size_class,
        joined.count,
        every,
        dict(zip(fields, found)) | percentiles,
        joined.buckets,
    )


def quantiles(row: Latency, shares: Sequence[float]) -> list[float]:
    """Of a row with buckets, for each share the upper edge of the bucket that holds it, or the largest value
    where that is less: workloads/engine/histogram.cpp."""
    uppers, samples = (np.array(column) for column in zip(*row.buckets))
    below = np.cumsum(samples)
    ranks = np.maximum(1.0, np.ceil(np.array(shares) * below[-1] - 1e-6))
    at = np.minimum(np.searchsorted(below, ranks), len(uppers) - 1)
    return [min(float(value), row.percentiles.get("max_ns", float("inf"))) for value in uppers[at]]
