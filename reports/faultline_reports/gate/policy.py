"""gate.toml: what gates, by how much, how long it may take, and what is allowed for now.

Everything has a default, so an empty file and no file are the same. An allowed regression names who may be
asked why (`reason`) and until when; after that day it no longer counts, and the gate says so.
"""

from __future__ import annotations

import datetime
import fnmatch
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from faultline_reports import fields
from faultline_reports.errors import Exit, UserError, visible
from faultline_reports.gate.decision import Rule, Tier
from faultline_reports.metrics import LATENCY, MEMORY_CALLS, METRICS, Metric, kernel_count, same_rule
from faultline_reports.runner import budget
from faultline_reports.statistics import thresholds

EXAMPLE = """# gate.toml: everything is optional; these are the defaults
budget = "10m"
workloads = ["quick"]            # what `faultline run` takes
rounds = 30                      # of stage 1
confirm_rounds = 40              # fresh ones, of the candidates alone
instructions = "auto"            # Callgrind: "auto" (builds of one library), "always", "never"

[metric.cpu_ns_per_operation]    # tier: "count" or "time" gate, "advice" is told, "off" is left out
tier = "time"
limit = 0.03                     # an increase by more than 3 % matters

[metric."kernel.mmap_calls"]     # any kernel count of the result document
tier = "count"
limit = 0.005

[[allow]]                        # a regression that is known
workload = "larson*"             # a pattern of labels
metric = "peak_heap_bytes"
up_to = 0.05                     # at most so much more; left out: any amount
until = 2030-01-31               # the last day that it counts
reason = "the new arena keeps a page per CPU; to be trimmed"
"""

INSTRUCTIONS = "instructions"
# What gate.toml may hold; ci/GATE.md tells what each is.
SETTINGS = ("budget", "workloads", "rounds", "confirm_rounds", "instructions", "metric", "allow")
OF_A_METRIC = ("tier", "limit", "absolute")
OF_AN_ALLOWANCE = ("workload", "metric", "up_to", "until", "reason")

DEFAULT_RULES: Mapping[str, Rule] = {
    "cpu_ns_per_operation": Rule(Tier.TIME, thresholds.CPU_TIME.relative),
    "wall_ns_per_operation": Rule(Tier.ADVICE, thresholds.WALL_TIME.relative),
    "peak_heap_bytes": Rule(Tier.COUNT, thresholds.HEAP.relative, thresholds.HEAP.absolute),
    "retained_heap_bytes": Rule(Tier.COUNT, thresholds.HEAP.relative, thresholds.HEAP.absolute),
    "minor_faults": Rule(Tier.COUNT, thresholds.EVENTS.relative, thresholds.EVENTS.absolute),
    "latency_p50_ns": Rule(Tier.ADVICE, thresholds.LATENCY.relative),
    "latency_p99_ns": Rule(Tier.ADVICE, thresholds.LATENCY.relative),
    **{key: Rule(Tier.COUNT, thresholds.EVENTS.relative, thresholds.EVENTS.absolute) for key in MEMORY_CALLS},
    INSTRUCTIONS: Rule(Tier.COUNT, thresholds.EVENTS.relative),
}


@dataclass(frozen=True)
class Allowance:
    workload: str
    metric: str
    up_to: float
    until: datetime.date
    reason: str

    def covers(self, workload: str, metric: str) -> bool:
        return fnmatch.fnmatchcase(workload, self.workload) and fnmatch.fnmatchcase(metric, self.metric)


@dataclass(frozen=True)
class Policy:
    source: str = "the defaults"
    budget_s: float = 600.0
    workloads: Sequence[str] = ("quick",)
    rounds: int = thresholds.GATE_ROUNDS
    confirm_rounds: int = thresholds.GATE_CONFIRM_ROUNDS
    instructions: str = "auto"
    rules: Mapping[str, Rule] = field(default_factory=lambda: DEFAULT_RULES)
    allowances: Sequence[Allowance] = ()

    def metrics(self) -> list[tuple[Metric, Rule]]:
        """What is taken from documents; Callgrind's count is not."""
        known = {metric.key: metric for metric in (*METRICS, *LATENCY)}
        return [
            (known.get(key) or kernel_count(key), rule)
            for key, rule in self.rules.items()
            if rule.tier is not Tier.OFF and key != INSTRUCTIONS
        ]

    def allowance(self, workload: str, metric: str, today: datetime.date) -> Allowance | None:
        """The first that covers it and has not expired. What is compared in place of a metric has its
        allowance."""
        key = same_rule(metric)
        return next((a for a in self.allowances if a.until >= today and a.covers(workload, key)), None)

    def expired(self, today: datetime.date) -> list[Allowance]:
        return [allowance for allowance in self.allowances if allowance.until < today]


def load(path: str) -> Policy:
    """Raises UserError with the file, the place and the remedy."""
    import tomllib

    content = fields.read(path)
    try:
        value = tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UserError(Exit.DATA, f"{path}:byte {error.start}", "is not UTF-8", _REMEDY) from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(Exit.DATA, path, f"is not TOML: {error}", _REMEDY) from None
    return _Reader(path).policy(value)


def chosen(path: str | None) -> Policy:
    """The policy that was named, or gate.toml here, or the defaults. Raises UserError."""
    if path is not None:
        return load(path)
    return load("gate.toml") if os.path.exists("gate.toml") else Policy()


_REMEDY = "see `faultline gate --example-policy`"


class _Reader:
    """From TOML's values to a policy; a complaint names the key."""

    def __init__(self, path: str) -> None:
        self._path = path

    def fail(self, key: str, what: str, remedy: str = _REMEDY) -> UserError:
        return UserError(Exit.DATA, self._path, visible(f"`{key}` {what}"), remedy)

    def policy(self, value: dict[str, Any]) -> Policy:
        self._known(value, SETTINGS, "")
        rules = dict(DEFAULT_RULES)
        for key, table in self._table(value, "metric").items():
            if not isinstance(table, dict):
                raise self.fail(f"metric.{key}", "is not a table")
            rules[key] = self._rule(key, table)
        workloads = value.get("workloads", ["quick"])
        if not isinstance(workloads, list) or not workloads or not all(isinstance(w, str) for w in workloads):
            raise self.fail("workloads", "is not a list of words for `faultline run`")
        instructions = value.get("instructions", "auto")
        if instructions not in ("auto", "always", "never"):
            raise self.fail("instructions", f"is {instructions!r}, not auto, always or never")
        allowed = value.get("allow", [])
        if not isinstance(allowed, list) or not all(isinstance(entry, dict) for entry in allowed):
            raise self.fail("allow", "is not a list of tables", "write [[allow]] before each")
        return Policy(
            source=self._path,
            budget_s=budget.seconds(str(value.get("budget", "10m")), f"{self._path}: `budget`"),
            workloads=workloads,
            rounds=self._whole(value, "rounds", thresholds.GATE_ROUNDS),
            confirm_rounds=self._whole(value, "confirm_rounds", thresholds.GATE_CONFIRM_ROUNDS),
            instructions=instructions,
            rules=rules,
            allowances=[self._allowance(f"allow[{n}]", entry) for n, entry in enumerate(allowed)],
        )

    def _known(self, table: dict[str, Any], names: Sequence[str], place: str) -> None:
        for key in table:
            if key not in names:
                raise self.fail(place + key, "is not a setting", f"there are {', '.join(names)}")

    def _table(self, value: dict[str, Any], key: str) -> dict[str, Any]:
        table = value.get(key, {})
        if not isinstance(table, dict):
            raise self.fail(key, "is not a table")
        return table

    def _rule(self, key: str, table: dict[str, Any]) -> Rule:
        place = f"metric.{key}."
        self._known(table, OF_A_METRIC, place)
        default = DEFAULT_RULES.get(key)
        if default is None and not key.startswith("kernel."):
            names = ", ".join(DEFAULT_RULES)
            raise self.fail(f"metric.{key}", "is not a metric", f"there are {names}, and kernel.NAME")
        default = default or Rule(Tier.COUNT, thresholds.EVENTS.relative, thresholds.EVENTS.absolute)
        tier = table.get("tier", default.tier.value)
        if tier not in [entry.value for entry in Tier]:
            raise self.fail(place + "tier", f"is {tier!r}, not count, time, advice or off")
        return Rule(
            Tier(tier),
            self._share(table, place, "limit", default.relative, 10.0),
            self._share(table, place, "absolute", default.absolute, 1e15),
        )

    def _share(self, table: dict[str, Any], place: str, key: str, default: float, most: float) -> float:
        value = table.get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
            raise self.fail(place + key, f"is {value!r}, not a number from 0 to {most:g}")
        return float(value)

    def _whole(self, table: dict[str, Any], key: str, default: int) -> int:
        value = table.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 2 <= value <= 10_000:
            raise self.fail(key, f"is {value!r}, not a whole number from 2 to 10000")
        return value

    def _allowance(self, place: str, table: dict[str, Any]) -> Allowance:
        self._known(table, OF_AN_ALLOWANCE, place + ".")
        for key in ("workload", "metric", "reason"):
            if not isinstance(table.get(key), str) or not table[key].strip():
                raise self.fail(f"{place}.{key}", "is missing or not a text")
        if same_rule(table["metric"]) != table["metric"]:
            what = f"is {table['metric']!r}, of the whole process, which is not compared"
            raise self.fail(f"{place}.metric", what, f"write {same_rule(table['metric'])}")
        until = table.get("until")
        if isinstance(until, datetime.datetime) or not isinstance(until, datetime.date):
            raise self.fail(f"{place}.until", "is not a date", "write for example until = 2030-01-31")
        up_to = self._share(table, place + ".", "up_to", math.inf, math.inf)
        return Allowance(table["workload"], table["metric"], up_to, until, visible(table["reason"]))
