"""The stress document (schema/faultline-stress-1.schema.json) as plain types: which checks held on which
allocators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from faultline_reports import fields
from faultline_reports.fields import Object

SCHEMA = "faultline-stress/1"


@dataclass(frozen=True)
class Check:
    name: str
    kind: str
    promise: str
    by: str


@dataclass(frozen=True)
class Result:
    check: str
    allocator: str
    outcome: str
    verdict: str  # "ok", "broken", "information" or "skipped"
    why: str
    notes: Sequence[str]


@dataclass(frozen=True)
class Stress:
    source: str
    complete: bool
    command: Sequence[str]
    seed: str
    allocators: Sequence[str]
    checks: Sequence[Check]
    results: Mapping[tuple[str, str], Result]  # by check and allocator

    def kinds(self) -> list[str]:
        return list(dict.fromkeys(check.kind for check in self.checks))

    def of_kind(self, kind: str) -> list[Check]:
        return [check for check in self.checks if check.kind == kind]

    def broken(self) -> list[Result]:
        return [result for result in self.results.values() if result.verdict == "broken"]


def load(path: str) -> Stress:
    """The document in file `path`. Raises UserError."""
    return parse(fields.read(path), path)


def parse(content: bytes, source: str) -> Stress:
    root = Object(fields.parse(content, source), "", source)
    root.required("schema")
    if root.text("schema") != SCHEMA:
        root.fail("schema", f'is "{root.text("schema")[:80]}", not "{SCHEMA}"')
    root.required("results")
    plan = root.child("plan")
    results = [
        Result(
            entry.name("check"),
            entry.name("allocator"),
            entry.name("outcome"),
            entry.name("verdict"),
            entry.text("why"),
            entry.texts("notes"),
        )
        for entry in root.children("results")
    ]
    return Stress(
        source=source,
        complete=root.boolean("complete", True),
        command=root.child("tool").texts("command"),
        seed=plan.scalar("seed"),
        allocators=[entry.name("name") for entry in plan.children("allocators")],
        checks=[
            Check(entry.name("name"), entry.name("kind"), entry.text("promise"), entry.text("by"))
            for entry in plan.children("checks")
        ],
        results={(result.check, result.allocator): result for result in results},
    )
