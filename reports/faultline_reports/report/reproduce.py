"""The commands that repeat a row of the report, and the whole run."""

from __future__ import annotations

import shlex
from collections.abc import Collection

from faultline_reports.model import Document, Workload

ALWAYS_PASSED = ("HOME", "LANG", "PATH", "TMPDIR", "USER")  # what every worker gets without being asked


def row(document: Document, workload: Workload, ran: Collection[str]) -> str:
    """`faultline run` of one workload, with the parameters it really had, on the allocators that ran it."""
    named = _named_libraries(document)
    names = [
        named.get(allocator.name, allocator.name)
        for allocator in document.subjects()
        if allocator.name in ran
    ]
    words = ["faultline", "run", _selection(workload)]
    if names:
        words += ["-a", ",".join(names)]
    words += ["--rounds", str(document.rounds_planned or max(1, len(document.rounds)))]
    if document.seed:
        words += ["--seed", document.seed]
    for name, value in document.environment.items():
        if name not in ALWAYS_PASSED:
            words += ["--env", f"{name}={value}"]
    return shlex.join([*words, "-o", "again.json"])


def whole(document: Document) -> str:
    """The command of the run, with the seed that was drawn for it."""
    words = list(document.command)
    given = any(word == "--seed" or word.startswith("--seed=") for word in words)
    return shlex.join(words if given or not document.seed or not words else [*words, "--seed", document.seed])


def _selection(workload: Workload) -> str:
    """NAME:parameter=value,... as `faultline run` takes it; the label where the document does not tell."""
    if not workload.pattern:
        return workload.label
    name, parameters = workload.pattern, []
    if name.endswith("N"):
        name = f"{name[:-1]}{workload.threads}"
    elif workload.threads > 1:
        parameters.append(f"threads={workload.threads}")
    given = workload.parameters if workload.given is None else workload.given
    parameters += [f"{key}={value}" for key, value in given.items() if value]
    return f"{name}:{','.join(parameters)}" if parameters else name


def _named_libraries(document: Document) -> dict[str, str]:
    """Allocators that the run named as name=path.so, as they must be named again."""
    parts = [part.removeprefix("--allocators=") for word in document.command for part in word.split(",")]
    pairs = [part.removeprefix("-a") for part in parts if "=" in part]
    known = {allocator.name for allocator in document.allocators}
    return {pair.split("=", 1)[0]: pair for pair in pairs if pair.split("=", 1)[0] in known}
