"""The command that repeats a row of the report."""

from __future__ import annotations

import shlex

from faultline_reports.model import Document


def command(document: Document, workload: str) -> str:
    """`faultline run` for one workload on all its allocators, with the seed that gives the same streams and
    order."""
    ran = {trial.allocator for trial in document.trials if trial.workload == workload}
    named = _named_libraries(document)
    names = [
        named.get(allocator.name, allocator.name)
        for allocator in document.subjects()
        if allocator.name in ran
    ]
    words = ["faultline", "run", workload]
    if names:
        words += ["-a", ",".join(names)]
    words += ["--rounds", str(document.rounds_planned or max(1, len(document.rounds)))]
    if document.seed:
        words += ["--seed", document.seed]
    variables = [f"{name}={value}" for name, value in document.environment.items()]
    return shlex.join([*(["env", *variables] if variables else []), *words, "-o", "again.json"])


def _named_libraries(document: Document) -> dict[str, str]:
    """Allocators that the run named as name=path.so, as they must be named again."""
    arguments = [part for word in document.command for part in word.split(",")]
    known = {allocator.name for allocator in document.allocators}
    pairs = [part.removeprefix("--allocators=").removeprefix("-a") for part in arguments if "=" in part]
    return {pair.split("=", 1)[0]: pair for pair in pairs if pair.split("=", 1)[0] in known}
