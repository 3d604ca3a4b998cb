"""Where a gate's rounds come from: measured now, or in documents that were kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from faultline_reports import formatting, shards
from faultline_reports.errors import Exit, UserError
from faultline_reports.gate import instructions
from faultline_reports.gate.policy import Policy
from faultline_reports.gate.result import Row
from faultline_reports.gate.stages import Rounds
from faultline_reports.metrics import KERNEL, MEMORY_CALLS
from faultline_reports.model import Document
from faultline_reports.runner.budget import Budget, words
from faultline_reports.runner.campaign import NO_PROBES, Campaign, Plan, joined, slice_rounds
from faultline_reports.statistics.thresholds import GATE_COUNT_CONFIRM_ROUNDS, GATE_COUNT_ROUNDS

Parts = Sequence[tuple[shards.Raw, Document]]

SLICE_S = 30.0  # between two lines of progress
# Of the budget, at most: stage 1's timed rounds, and with those that count what the kernel did.
FIRST_SHARE = 0.55
FIRST_WITH_COUNTS_SHARE = 0.7


@dataclass(frozen=True)
class Kept:
    """The rounds of a stage: those that were timed, and those that were counted."""

    name: str
    parts: Parts
    counted: Parts

    def raw(self, command: Sequence[str]) -> shards.Raw:
        whole = shards.join(self.parts or self.counted, command)
        if self.parts and self.counted:
            whole["counts"] = [trial for raw, _ in self.counted for trial in raw["trials"]]
        return whole


def probes(policy: Policy) -> str | None:
    """What counts the kernel's figures that the policy asks for, in trials that are not timed; None when it
    asks for none."""
    keys = {metric.key for metric, _ in policy.metrics() if metric.key.startswith(KERNEL)}
    return f"inline,{'syscalls' if keys <= set(MEMORY_CALLS) else 'all'}" if keys else None


class Measured:
    """Runs rounds within `limit_s` seconds from now: stage 1 in its share, stage 2 in what is left then. What
    the kernel counts is counted in rounds of their own, with `probes`: counting makes trials slower."""

    def __init__(
        self,
        plan: Plan,
        directory: str,
        limit_s: float,
        say: Callable[[str], None],
        probes: str | None = None,
    ) -> None:
        self._plan = plan
        self._directory = directory
        self._limit_s = limit_s
        self._total = Budget(limit_s)
        self._say = say
        self._probes = probes
        self._next_round = 0
        self.interrupted = False
        self.stopped_early = True  # where there is no round, the time was up
        self.kept: list[Kept] = []

    def first(self, rounds: int) -> Rounds | None:
        timed = self._run("stage 1", rounds, FIRST_SHARE, ())
        counted = self._count(GATE_COUNT_ROUNDS, FIRST_WITH_COUNTS_SHARE, ()) if timed.parts else None
        return self._rounds("stage1", rounds, timed, counted)

    def fresh(self, rounds: int, workloads: Sequence[str], keys: Collection[str]) -> Rounds | None:
        self._say(f"{formatting.count(len(workloads), 'workload')} named; confirming on fresh rounds")
        by_kernel = {key for key in keys if key.startswith(KERNEL)}
        counted = self._count(GATE_COUNT_CONFIRM_ROUNDS, 1.0, workloads) if by_kernel else None
        if counted is not None and by_kernel == set(keys):
            return self._rounds("stage2", GATE_COUNT_CONFIRM_ROUNDS, counted, None)
        return self._rounds("stage2", rounds, self._run("stage 2", rounds, 1.0, workloads), counted)

    def instructions(self, document: Document, arms: tuple[str, str], policy: Policy) -> list[Row]:
        if instructions.wanted(document, arms, policy):
            self._say("counting instructions")
        return instructions.rows(
            document, arms, policy, Budget(max(0.0, self._total.left())), self._directory
        )

    def _count(self, rounds: int, share: float, only: Sequence[str]) -> Campaign | None:
        return self._run("kernel counts", rounds, share, only, self._probes) if self._probes else None

    def _run(
        self, name: str, rounds: int, share: float, only: Sequence[str], probes: str = NO_PROBES
    ) -> Campaign:
        """Rounds that were never run, until `share` of the budget is used."""
        campaign = Campaign(self._plan, self._directory, probes, self._next_round, self.interrupted)
        budget = Budget(max(0.0, self._limit_s * share - self._total.spent()))
        last = campaign.next_round + rounds
        going = True
        while going and campaign.next_round < last:
            size = min(last - campaign.next_round, slice_rounds(campaign.round_s, SLICE_S))
            # Better one round late than none: what there is of a gate that is cut short can be shown.
            going = campaign.run(size, budget if campaign.parts or probes != NO_PROBES else self._total, only)
            done = rounds - (last - campaign.next_round)
            left = words(max(0.0, self._total.left()))
            self._say(f"{name}: {done} of {formatting.count(rounds, 'round')}, at most {left} left")
        self.interrupted = campaign.interrupted
        return campaign

    def _rounds(self, name: str, rounds: int, timed: Campaign, counted: Campaign | None) -> Rounds | None:
        """A stage's rounds as one document, and the next stage's numbers after them."""
        if not timed.parts:
            return None
        self._next_round = timed.next_round
        counts = counted.parts if counted is not None else []
        self.kept.append(Kept(name, timed.parts, counts))
        document = joined(timed.parts)
        if counts:
            document = replace(document, counts=joined(counts).trials)
        return Rounds(document, set(document.rounds), cut=len(document.rounds) < rounds)


class Stored:
    """Takes stage 1 from the first document, stage 2 from the second, or from rounds of the first that
    stage 1 left."""

    def __init__(self, documents: Sequence[Document], arms: Sequence[str]) -> None:
        self._documents = documents
        self.stopped_early = False
        for document in documents:
            for arm in arms:
                if document.allocator(arm) is None:
                    names = ", ".join(allocator.name for allocator in document.allocators) or "none"
                    raise UserError(
                        Exit.USAGE, document.source, f"has no allocator {arm!r}", f"it has {names}"
                    )
        if len({document.fingerprint for document in documents}) > 1:
            where = " and ".join(document.source for document in documents)
            raise UserError(Exit.DATA, where, "are of different hosts", "gate rounds of one host")
        self._used = 0

    def first(self, rounds: int) -> Rounds | None:
        document = self._documents[0]
        numbers = list(document.rounds)[:rounds]
        self._used = len(numbers)
        return Rounds(document, set(numbers), cut=len(numbers) < rounds) if numbers else None

    def fresh(self, rounds: int, workloads: Sequence[str], keys: Collection[str]) -> Rounds | None:
        document = self._documents[-1]
        skip = self._used if len(self._documents) == 1 else 0
        numbers = list(document.rounds)[skip : skip + rounds]
        return Rounds(document, set(numbers), cut=len(numbers) < rounds) if numbers else None

    def instructions(self, document: Document, arms: tuple[str, str], policy: Policy) -> list[Row]:
        return []
