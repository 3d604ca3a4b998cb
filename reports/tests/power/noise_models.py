"""Noise to replay: what processes measured, [round, workload, arm], where both arms are the same: of times
the logarithms, of memory and counts the figures themselves.

Two are recorded (noise/README.md) and drawn in blocks of neighbouring rounds, with the arms exchanged at
random in each block: they are the same allocator, so that either order could have been seen. The others are
made.
"""

from __future__ import annotations

import csv
import functools
import pathlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Generator = np.random.Generator

CPU_TIME = "cpu_ns_per_operation"
WORKLOADS = 4
BLOCK = 4


@functools.cache
def recorded(name: str, key: str) -> Floats:
    """One metric of all workloads, in the order they were measured."""
    with open(pathlib.Path(__file__).with_name("noise") / f"{name}.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    workloads = list(dict.fromkeys(column.split("/")[0] for column in rows[0] if "/" in column))
    return np.array(
        [[[float(row[f"{w}/{key}/{arm}"]) for arm in ("first", "second")] for w in workloads] for row in rows]
    )


def recorded_times(name: str) -> Floats:
    return np.log(recorded(name, CPU_TIME))


Places = npt.NDArray[np.intp]


def draw(recorded_rounds: int, rounds: int, rng: Generator) -> tuple[Places, npt.NDArray[np.bool_]]:
    """Which of the recorded rounds are taken, in blocks of neighbours, and in which of them the arms change
    places."""
    starts = rng.integers(0, recorded_rounds, size=-(-rounds // BLOCK))
    places = (starts[:, None] + np.arange(BLOCK)).ravel()[:rounds] % recorded_rounds
    swapped = rng.integers(0, 2, size=len(starts)).astype(bool).repeat(BLOCK)[:rounds]
    return places, swapped


def at(values: Floats, places: Places, swapped: npt.NDArray[np.bool_]) -> Floats:
    drawn = values[places]
    drawn[swapped] = drawn[swapped][..., ::-1]
    return drawn


def blocks(values: Floats, rounds: int, rng: Generator) -> Floats:
    """Rounds of `values` in blocks of neighbours."""
    return at(values, *draw(len(values), rounds, rng))


def _recorded(name: str) -> Callable[[int, Generator], Floats]:
    return lambda rounds, rng: blocks(recorded_times(name), rounds, rng)


def _ordered(along: Floats, rng: Generator) -> Floats:
    """Levels along the time of 2 processes a round and workload, handed to the arms in the harness's order:
    drawn for a pair of rounds, and reversed in its second."""
    rounds, workloads, _ = along.shape
    first = rng.integers(0, 2, size=(-(-rounds // 2), workloads)).repeat(2, axis=0)[:rounds]
    first[1::2] = 1 - first[1::2]
    return np.where(first[..., None] == 1, along[..., ::-1], along)


def autocorrelated(rounds: int, rng: Generator) -> Floats:
    """A machine that is slow for a while: a first-order process of 10 %, correlation 0.9 from one process
    to the next, and 2 % of each process's own."""
    steps = rng.normal(0, 0.10 * np.sqrt(1 - 0.9**2), size=rounds * WORKLOADS * 2)
    level, along = rng.normal(0, 0.10), np.empty(len(steps))
    for index, step in enumerate(steps):
        level = 0.9 * level + step
        along[index] = level
    own = rng.normal(0, 0.02, size=(rounds, WORKLOADS, 2))
    return _ordered(along.reshape(rounds, WORKLOADS, 2), rng) + own


def bimodal(rounds: int, rng: Generator) -> Floats:
    """Each process by chance in one of two modes, 6 % apart, as page placement makes them."""
    modes = 0.06 * (rng.random((rounds, WORKLOADS, 2)) < 0.3)
    return modes + rng.normal(0, 0.01, size=modes.shape)


def drifting(rounds: int, rng: Generator) -> Floats:
    """The clock goes down by 25 % over the rounds, with a step on the way."""
    time = np.linspace(0, 1, rounds * WORKLOADS * 2)
    along = 0.25 * time + 0.1 * (time > rng.random())
    own = rng.normal(0, 0.02, size=(rounds, WORKLOADS, 2))
    return _ordered(along.reshape(rounds, WORKLOADS, 2), rng) + own


def heavy_tailed(rounds: int, rng: Generator) -> Floats:
    """Interruptions: most processes within 1.5 %, some far slower."""
    return 0.015 * np.abs(rng.standard_t(1.8, size=(rounds, WORKLOADS, 2)))


TIMES: dict[str, Callable[[int, Generator], Floats]] = {
    "recorded alone": _recorded("quiet"),
    "recorded among others": _recorded("shared"),
    "autocorrelated": autocorrelated,
    "bimodal": bimodal,
    "drifting": drifting,
    "heavy tails": heavy_tailed,
}
