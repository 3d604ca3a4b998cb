"""More than two arms in order, with those that cannot be told apart in one group.

All pairs are compared at once (max-T, simultaneous.py). Two arms are tied when their simultaneous interval
holds no difference; groups are the largest sets in which every two are tied, so an arm may be in several:
"a", "ab", "b". The sets are found by insert-and-absorb: Piepho, "An Algorithm for a Letter-Based
Representation of All-Pairwise Comparisons", 2004.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from faultline_reports.statistics import signed_rank, simultaneous
from faultline_reports.statistics.interval import Interval

Pair = tuple[str, str]


@dataclass(frozen=True)
class Ranking:
    """Best (least) first. `against_best` is each arm's ratio to the first, on the log scale."""

    order: Sequence[str]
    against_best: Mapping[str, Interval]
    groups: Mapping[str, str]  # letters
    better: frozenset[Pair]  # (a, b): a is less than b, for certain
    rounds: int
    enough_rounds: bool  # that any two could have been told apart


def rank(values: Mapping[str, Mapping[int, float]]) -> Ranking | None:
    """`values`: for each arm a logarithm by round, less is better. Rounds that not all arms have are left
    out; None when there is no round or fewer than two arms."""
    names = list(values)
    rounds = sorted(set.intersection(*(set(values[name]) for name in names))) if names else []
    if len(names) < 2 or not rounds:
        return None
    pairs = list(combinations(names, 2))
    differences = [{n: values[b][n] - values[a][n] for n in rounds} for a, b in pairs]
    critical = simultaneous.critical_value(differences)
    better: set[Pair] = set()
    enough = False
    for (a, b), found in zip(pairs, differences):
        bounds = simultaneous.bounds(list(found.values()), critical)
        enough = enough or bounds is not None
        if bounds is not None and bounds[0] > 0:
            better.add((a, b))
        elif bounds is not None and bounds[1] < 0:
            better.add((b, a))
    centres = {name: signed_rank.interval([values[name][n] for n in rounds]).estimate for name in names}
    wins = {name: sum(a == name for a, _ in better) - sum(b == name for _, b in better) for name in names}
    order = sorted(names, key=lambda name: (-wins[name], centres[name], name))
    against = {
        name: signed_rank.interval([values[name][n] - values[order[0]][n] for n in rounds]) for name in names
    }
    return Ranking(order, against, _letters(order, better), frozenset(better), len(rounds), enough)


def _letters(order: Sequence[str], better: set[Pair]) -> dict[str, str]:
    groups = [frozenset(order)]
    for a, b in better:
        split = [part for group in groups for part in _without_both(group, a, b)]
        groups = [part for part in split if not any(part < other for other in split)]
        groups = list(dict.fromkeys(groups))
    groups.sort(key=lambda group: sorted(map(order.index, group)))
    return {
        name: "".join(_letter(number) for number, group in enumerate(groups) if name in group)
        for name in order
    }


def _without_both(group: frozenset[str], a: str, b: str) -> list[frozenset[str]]:
    return [group - {a}, group - {b}] if a in group and b in group else [group]


def _letter(number: int) -> str:
    return chr(ord("a") + number) if number < 26 else f"({number + 1})"


def front(rankings: Sequence[Ranking]) -> list[str]:
    """The arms that no other dominates: an arm dominates another that it is better than in one ranking for
    certain, and worse than in none. Only arms of all rankings are compared. Pareto's front, on what is
    certain."""
    if not rankings:
        return []
    names = [name for name in rankings[0].order if all(name in ranking.order for ranking in rankings)]
    worse = {(b, a) for ranking in rankings for a, b in ranking.better}
    better = {pair for ranking in rankings for pair in ranking.better}
    return [
        name
        for name in names
        if not any((other, name) in better and (other, name) not in worse for other in names)
    ]


def mean_logs(tables: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """By round the mean of the logarithms of several workloads, for rounds that all of them have with values
    above 0."""
    if not tables:
        return {}
    rounds = set.intersection(*(set(table) for table in tables))
    return {
        n: sum(math.log(table[n]) for table in tables) / len(tables)
        for n in sorted(rounds)
        if all(table[n] > 0 for table in tables)
    }
