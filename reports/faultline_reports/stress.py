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
    known: str | None  # as what, with its source, of this version; None: it is not, or nobody asked
    asked: bool  # whether this document tells known from new

    @property
    def standing(self) -> str:
        """Of what is broken: "known: ...", "new", or "" in a document that does not tell."""
        if self.known is not None:
            return f"known: {self.known}"
        return "new" if self.asked else ""


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

    def new(self) -> list[Result] | None:
        """What is broken and not known of the versions; None in a document that does not tell."""
        if not all(result.asked for result in self.broken()):
            return None
        return [result for result in self.broken() if result.known is None]


def load(path: str) -> Stress:
    """The document in file `path`. Raises UserError."""
    return parse(fields.read(path), path)


def _known(entry: Object) -> str | None:
    if not entry.has("known"):
        return None
    known = entry.child("known")
    case = known.text("confirmed_by")
    sources = [known.text("source"), case and f"confirmed by stress_confirm {case}"]
    return f"{known.name('explanation')} ({'; '.join(filter(None, sources))})"


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
            _known(entry),
            entry.mentions("known"),
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
