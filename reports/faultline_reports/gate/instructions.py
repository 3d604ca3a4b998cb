"""Instructions of single-threaded workloads under Callgrind: a count that no busy machine disturbs.

It sees neither the kernel's time nor caches, so it is compared between two builds of one allocator and never
ranks allocators. Each arm is counted once; a difference beyond the limit is counted again on another stream
of operations, and only both together fail. Recorded traces are left out: the worker reads them compiled.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from faultline_reports.errors import visible
from faultline_reports.gate.decision import Answer, Outcome, Question, Rule
from faultline_reports.gate.policy import INSTRUCTIONS, Policy
from faultline_reports.gate.result import NO_TIME, Row
from faultline_reports.metrics import Metric
from faultline_reports.model import Allocator, Document, Workload
from faultline_reports.runner.budget import Budget
from faultline_reports.runner.campaign import program
from faultline_reports.statistics import thresholds
from faultline_reports.statistics.verdict import Scale

METRIC = Metric(
    INSTRUCTIONS,
    "Instructions",
    "Instructions",
    "",
    lambda _: None,
    thresholds.EVENTS,
    "more",
    "fewer",
    "Instructions of the measured phase, counted by Callgrind: the program's and the allocator's, "
    "not the kernel's.",
    INSTRUCTIONS,
)
SEEDS = (1, 2)


class NotCounted(Exception):
    """Why there is no count, in words."""


def wanted(document: Document, arms: tuple[str, str], policy: Policy) -> list[Workload]:
    """The workloads to count: none, unless the policy says always or both arms are builds of one library."""
    first, second = (document.allocator(name) for name in arms)
    if policy.instructions == "never" or first is None or second is None or not first.path or not second.path:
        return []
    same = os.path.basename(first.path) == os.path.basename(second.path) and first.sha256 != second.sha256
    if policy.instructions == "auto" and not same:
        return []
    return [w for w in document.workloads if w.threads == 1 and w.pattern and "trace" not in w.parameters]


def rows(
    document: Document, arms: tuple[str, str], policy: Policy, budget: Budget, directory: str
) -> list[Row]:
    """A row for each workload that was wanted, while there is time for another."""
    found: list[Row] = []
    slowest = 0.0
    for workload in wanted(document, arms, policy):
        began = budget.spent()
        if budget.left() < 2 * slowest:
            found.append(_not_counted(workload, policy, NO_TIME))
            continue
        try:
            found.append(_row(document, workload, arms, policy, budget, directory))
        except NotCounted as reason:
            found.append(_not_counted(workload, policy, str(reason)))
        slowest = max(slowest, budget.spent() - began)
    return found


def _row(
    document: Document,
    workload: Workload,
    arms: tuple[str, str],
    policy: Policy,
    budget: Budget,
    directory: str,
) -> Row:
    rule = policy.rules[INSTRUCTIONS]
    limit = math.log1p(rule.relative)
    libraries = [allocator for name in arms if (allocator := document.allocator(name)) is not None]
    counts: list[tuple[int, int]] = []
    unconfirmed = ""
    for seed in SEEDS:
        try:
            # Both at once: a count does not mind what runs beside it.
            with ThreadPoolExecutor(max_workers=min(2, len(os.sched_getaffinity(0)))) as both:
                counting = [
                    both.submit(_count, document, workload, library, seed, budget, directory, arm)
                    for arm, library in enumerate(libraries)
                ]
            base, candidate = (count.result() for count in counting)
        except NotCounted as reason:
            if not counts:
                raise
            unconfirmed = f"not confirmed: {reason}"  # what the first count showed is not forgotten
            break
        counts.append((base, candidate))
        if math.log(candidate / base) <= limit:
            break
    differences = {number: math.log(candidate / base) for number, (base, candidate) in enumerate(counts)}
    low, high = min(differences.values()), max(differences.values())
    outcome = Outcome.REGRESSION if low > limit else Outcome.PASS
    if unconfirmed:
        outcome = Outcome.INCONCLUSIVE
    question = Question(rule, Scale.RATIO, float(counts[0][0]), differences)
    named = len(counts) > 1 or bool(unconfirmed)
    answer = Answer(outcome, limit, differences[0], low, high, len(counts), named=named, why=unconfirmed)
    return Row(workload.label, METRIC, question, float(counts[0][1]), answer, unconfirmed, limit)


def _not_counted(workload: Workload, policy: Policy, why: str) -> Row:
    rule: Rule = policy.rules[INSTRUCTIONS]
    nothing = Answer(Outcome.NOT_MEASURED, math.log1p(rule.relative), math.nan, math.nan, math.nan, 0)
    return Row(workload.label, METRIC, Question(rule, Scale.RATIO, 0.0, {}), math.nan, nothing, why, None)


def _count(
    document: Document,
    workload: Workload,
    library: Allocator,
    seed: int,
    budget: Budget,
    directory: str,
    arm: int,
) -> int:
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise NotCounted("valgrind is not installed; apt-get install valgrind")
    worker = os.path.join(os.path.dirname(program()), "faultline-worker")
    output = os.path.join(directory, f"callgrind-{arm}.out")
    command: list[str] = [valgrind, "--tool=callgrind", f"--callgrind-out-file={output}"]
    command += ["--collect-atstart=no", "--toggle-collect=*::measure()"]
    command += [worker, f"--workload={workload.pattern}", "--threads=1", f"--seed={seed}", "--idle-ms=0"]
    for name, value in workload.parameters.items():
        if name != "threads":
            command += ["--set", f"{name}={value}"]
    environment = {
        **document.environment,
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LC_ALL": "C.UTF-8",
    }
    if "/libc.so" not in library.path and "/libc-" not in library.path:  # libc itself is not preloaded
        environment["LD_PRELOAD"] = library.path
    return _counted(command, environment, output, max(1.0, budget.left()))


def _counted(command: Sequence[str], environment: dict[str, str], output: str, limit_s: float) -> int:
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limit_s,
            check=False,
        )
        with open(output, encoding="utf-8", errors="replace") as file:
            totals = re.search(r"^(?:totals|summary): ([0-9]+)", file.read(), re.MULTILINE)
    except subprocess.TimeoutExpired:
        raise NotCounted(NO_TIME) from None
    except OSError as error:
        raise NotCounted(f"Callgrind left no count: {error.strerror}") from None
    if done.returncode != 0 or totals is None or int(totals.group(1)) == 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise NotCounted(visible(f"Callgrind counted nothing: {said[-1] if said else 'no reason given'}"))
    return int(totals.group(1))
