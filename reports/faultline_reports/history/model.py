"""What a history holds, as plain types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

VERSION = "0001"  # of the tables: the newest migration
SERIES_KEY = ("fingerprint", "workload", "work", "allocator", "metric", "reference")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """What is followed over time. Another host, other parameters or another library of the reference make
    another series: its values could not be compared."""

    fingerprint: str  # of the host
    workload: str
    work: str  # a digest of the parameters that decide what is done
    allocator: str
    metric: str
    reference: str  # "NAME@digest of its library", "" where the value is taken by itself

    @property
    def label(self) -> str:
        return f"{self.workload}/{self.allocator}/{self.metric}"


@dataclass(frozen=True)
class Point:
    """On the log scale: ln(subject / reference) over the rounds, or the ln of the median. `median`: of the
    subject alone, in the metric's unit."""

    centre: float
    low: float
    high: float
    median: float


@dataclass(frozen=True)
class Run:
    digest: str
    started_ns: int
    revision: str
    fingerprint: str
    tool_version: str
    suite: str
    rounds: int


@dataclass(frozen=True)
class Record:
    """A run with what it measured."""

    run: Run
    points: Mapping[Series, Point]


@dataclass(frozen=True)
class Table:
    """All values of some series: `centres[r, s]` is NaN where run r has no value of series s. Runs are in the
    order of time."""

    runs: Sequence[Run]
    series: Sequence[Series]
    centres: Floats
