"""Joins result documents that are parts of one plan: rounds that were run in slices, workloads that were run
apart, or the shards of several nodes.

Values are raw JSON, so nothing that a newer writer put in is lost. Two documents belong together when one
host (fingerprint), one faultline, one seed and the same allocators, work and environment made them, and no
trial is in both. Shards belong together when they are of one plan and each of them is there once. Anything
else is refused with one line that says what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from faultline_reports import document, fields, shard_set
from faultline_reports.errors import Exit, UserError
from faultline_reports.model import Document

Raw = dict[str, Any]

# What of a plan decides what a trial does; `rounds`, `suite` and the like only say which part was run.
PLAN_KEYS = ("seed", "idle_ms", "timeout_s", "environment", "swap")
BOX_KEYS = (
    "memory_limit_bytes",
)  # with `swap` alone: else it is a share of what was free, to stop what runs away
PLACES = ("TMPDIR",)  # of the environment: a node's own, and no tuning of what is measured
INLINE = "inline"  # of the plan's probes: counted in the timed trials too, which makes them slower
STATUS_ORDER = ("ok", "warn", "fail")


def join(parts: Sequence[tuple[Raw, Document]], command: Sequence[str] | None = None) -> Raw:
    """One document of all parts, in the order of their rounds. `command`, when given, is named as the one
    that made it. Raises UserError; `parts` must not be empty."""
    parts = sorted(parts, key=lambda part: min(part[1].rounds, default=0))
    first_raw, first = parts[0]
    shards = shard_set.check(parts)
    for raw, loaded in parts[1:]:
        _check_belongs(first_raw, first, raw, loaded)
    _check_disjoint([loaded for _, loaded in parts])
    raws = [raw for raw, _ in parts]
    trials = [trial for raw in raws for trial in raw["trials"]]
    rounds = {trial["round"] for trial in trials}
    if shards:
        trials.sort(key=_place)
        rounds -= {number for raw in raws for number in shard_set.unfinished(raw)}
    result = {
        **first_raw,
        "complete": all(loaded.complete for _, loaded in parts),
        "tool": _tool(raws, command),
        "doctor": _union(raws, "doctor", lambda entry: entry.get("id"), _worse),
        "plan": _plan(raws),
        "capabilities": _union(raws, "capabilities", lambda e: (e.get("group"), e.get("layer"))),
        "metrics": _union(raws, "metrics", lambda entry: entry.get("name")),
        "rounds_whole": len(rounds),
        "trials": trials,
    }
    for key in ("counts", "occupancy"):
        if any(key in raw for raw in raws):
            found = [trial for raw in raws for trial in raw.get(key) or []]
            result[key] = sorted(found, key=_place) if shards else found
    if "benchmarks" in first_raw:
        entries = [entry for raw in raws for entry in raw.get("benchmarks", [])]
        if shards:
            order = {_benchmark(trial): place for place, trial in enumerate(trials)}
            entries.sort(key=lambda entry: order.get((entry["name"], entry["repetition_index"]), 0))
        result["benchmarks"] = [{**entry, "repetitions": len(rounds)} for entry in entries]
    if shards:
        result["shards"] = shards
    return result


def _place(trial: Raw) -> tuple[int, int]:
    return trial["round"], trial.get("position", 0)


def _benchmark(trial: Raw) -> tuple[str, int]:
    return f"{trial['workload']}/{trial['allocator']}", trial["round"]


def _check_belongs(one: Raw, first: Document, other: Raw, second: Document) -> None:
    where = f"{first.source} and {second.source}"
    remedy = "only parts of one plan can be joined; `faultline compare` compares different ones"

    def refuse(what: str) -> None:
        raise UserError(Exit.DATA, where, what, remedy)

    plan, other_plan = one.get("plan") or {}, other.get("plan") or {}
    if first.fingerprint != second.fingerprint:
        keys = [key for key in {**first.deciding, **second.deciding} if _differs(first, second, key)]
        refuse(f"hosts differ in {', '.join(keys)}" if keys else "the hosts' fingerprints are not the same")
    if first.tool_version != second.tool_version:
        refuse(f"were made by faultline {first.tool_version} and {second.tool_version}")
    for key in PLAN_KEYS + (BOX_KEYS if plan.get("swap") else ()):
        if _without_places(plan.get(key)) != _without_places(other_plan.get(key)):
            refuse(f"their plans differ in {key}")
    if _inline(one) != _inline(other):
        refuse("only one of them was counted while it was timed")
    known = {workload.label: workload for workload in first.workloads}
    for workload in second.workloads:
        if workload.label in known and workload.parameters != known[workload.label].parameters:
            refuse(f"the parameters of {workload.label} differ")
    for allocator in second.allocators:
        same = first.allocator(allocator.name)
        if same is not None and same.sha256 != allocator.sha256:
            refuse(f"{allocator.name} is another library in each")


def _without_places(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: entry for name, entry in value.items() if name not in PLACES}


def _inline(raw: Raw) -> list[str]:
    """The probes that were in the timed trials; those of a trial of their own do not matter."""
    probes = (raw.get("plan") or {}).get("probes") or []
    return sorted(probes) if INLINE in probes else []


def _differs(first: Document, second: Document, key: str) -> bool:
    return first.deciding.get(key) != second.deciding.get(key)


def _check_disjoint(documents: Sequence[Document]) -> None:
    seen: dict[tuple[str, str, int], str] = {}
    for loaded in documents:
        for trial in loaded.trials:
            key = (trial.workload, trial.allocator, trial.round)
            other = seen.setdefault(key, loaded.source)
            if other != loaded.source:
                raise UserError(
                    Exit.DATA,
                    f"{other} and {loaded.source}",
                    f"both hold round {trial.round} of {trial.workload} on {trial.allocator}",
                    "name each part once, and run later parts with --first-round",
                )


def _tool(raws: Sequence[Raw], command: Sequence[str] | None) -> Raw:
    tools = [raw.get("tool") or {} for raw in raws]
    finished = [tool.get("finished") for tool in tools]
    return {
        **tools[0],
        "command": list(command) if command is not None else tools[0].get("command", []),
        "started": min((tool["started"] for tool in tools if tool.get("started")), default=None),
        "finished": max(finished) if all(finished) else None,  # type: ignore[type-var]
        "parts": len(raws),
    }


def _plan(raws: Sequence[Raw]) -> Raw:
    plans = [raw.get("plan") or {} for raw in raws]
    planned: set[int] = set()
    for plan in plans:
        first = plan.get("first_round") or 0
        planned |= set(range(first, first + (plan.get("rounds") or 0)))
    common = {key: value for key, value in plans[0].items() if key != "shard"}
    suites = list(dict.fromkeys(str(plan["suite"]) for plan in plans if plan.get("suite")))
    return {
        **common,
        "suite": " ".join(suites) if suites else plans[0].get("suite"),
        "rounds": len(planned),
        "first_round": min(planned, default=0),
        "workloads": _union(plans, "workloads", lambda entry: entry.get("workload")),
        "allocators": _union(plans, "allocators", lambda entry: entry.get("name")),
        "skipped": _union(plans, "skipped", lambda entry: (entry.get("workload"), entry.get("allocator"))),
    }


def _union(
    objects: Sequence[Raw],
    key: str,
    identity: Callable[[Raw], Any],
    choose: Callable[[Raw, Raw], Raw] = lambda first, _: first,
) -> list[Raw]:
    """The entries of all lists, each identity once, in the order they first come."""
    found: dict[Any, Raw] = {}
    for entry in (entry for value in objects for entry in value.get(key) or []):
        name = identity(entry)
        found[name] = choose(found[name], entry) if name in found else entry
    return list(found.values())


def _worse(first: Raw, second: Raw) -> Raw:
    def order(entry: Raw) -> int:
        status = entry.get("status", "ok")
        return STATUS_ORDER.index(status) if status in STATUS_ORDER else 0

    return second if order(second) > order(first) else first


def load(path: str) -> tuple[Raw, Document]:
    """A document as raw JSON and as the typed model. Raises UserError."""
    content = fields.read(path)
    return fields.parse(content, path), document.parse(content, path)
