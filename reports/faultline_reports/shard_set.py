"""The shards of a plan (`faultline run --shard K/N`): whether they are all there, each once, and of one plan.

Values are raw JSON, as in shards.py, which joins them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faultline_reports.errors import Exit, UserError
from faultline_reports.model import Document

Raw = dict[str, Any]


def shard_of(raw: Raw) -> Raw | None:
    """`plan.shard`: what part of its plan a node ran. None: it ran the whole."""
    shard = (raw.get("plan") or {}).get("shard")
    return shard if isinstance(shard, dict) else None


def check(parts: Sequence[tuple[Raw, Document]]) -> list[Raw]:
    """Who ran each shard, in their order; [] where no part is a shard. Raises UserError."""
    if all(shard_of(raw) is None for raw, _ in parts):
        return []
    by_index: dict[int, tuple[Raw, Document]] = {}
    first, count = parts[0][1].source, _numbers(*parts[0])[1]
    for raw, loaded in parts:
        index, of = _numbers(raw, loaded)
        if of != count:
            what = f"are shards of {count} and of {of}"
            raise UserError(
                Exit.DATA, f"{first} and {loaded.source}", what, "run all with one N of --shard K/N"
            )
        if index in by_index:
            where = f"{by_index[index][1].source} and {loaded.source}"
            raise UserError(Exit.DATA, where, f"are both shard {index} of {count}", "name each shard once")
        by_index[index] = (raw, loaded)
    missing = [str(index) for index in range(1, count + 1) if index not in by_index]
    if missing:
        what = f"shard {', '.join(missing)} of {count} is missing"
        raise UserError(Exit.DATA, first, what, f"run it with --shard {missing[0]}/{count}, and name it too")
    ordered = [by_index[index] for index in range(1, count + 1)]
    for raw, loaded in ordered[1:]:
        _check_one_plan(ordered[0], (raw, loaded))
    return [_record(*part) for part in ordered]


def unfinished(raw: Raw) -> set[int]:
    """The rounds of its shard that a node did not end."""
    if raw.get("complete", True):
        return set()
    parts = (shard_of(raw) or {}).get("parts", [])
    planned = {part["first_round"] + number for part in parts for number in range(part["rounds"])}
    done = (raw.get("plan") or {}).get("first_round", 0) + raw.get("rounds_whole", 0)
    return {number for number in planned if number >= done}


def _numbers(raw: Raw, loaded: Document) -> tuple[int, int]:
    shard = shard_of(raw)
    if shard is None:
        what = "is no shard, and others are"
        raise UserError(Exit.DATA, loaded.source, what, "join the shards of a plan by themselves first")
    index, of = shard.get("index"), shard.get("of")
    if not isinstance(index, int) or not isinstance(of, int) or not 1 <= index <= of:
        raise UserError(Exit.DATA, loaded.source, "`plan.shard` is no K of N", "run the shard again")
    return index, of


def _check_one_plan(one: tuple[Raw, Document], other: tuple[Raw, Document]) -> None:
    def shape(raw: Raw, key: str) -> Any:
        value = (raw.get("plan") or {}).get(key)
        names = {"workloads": "workload", "allocators": "name"}
        return [entry.get(names[key]) for entry in value or []] if key in names else value

    for key in ("rounds", "first_round", "workloads", "allocators"):
        if shape(one[0], key) != shape(other[0], key):
            where, what = (
                f"{one[1].source} and {other[1].source}",
                f"are shards of plans that differ in {key}",
            )
            raise UserError(Exit.DATA, where, what, "give all the same words but for --shard")


def _record(raw: Raw, loaded: Document) -> Raw:
    return {
        **(shard_of(raw) or {}),
        "hostname": loaded.host.get("hostname"),
        "started": loaded.started or None,
        "finished": loaded.finished or None,
    }
