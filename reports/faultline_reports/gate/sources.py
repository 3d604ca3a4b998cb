"""Where a gate's rounds come from: measured now, or in documents that were kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from faultline_reports import formatting, shards
from faultline_reports.errors import Exit, UserError
from faultline_reports.gate import instructions
from faultline_reports.gate.policy import Policy
from faultline_reports.gate.result import Row
from faultline_reports.gate.stages import Rounds
from faultline_reports.model import Document
from faultline_reports.runner.budget import Budget, words
from faultline_reports.runner.campaign import Campaign, Plan, joined, slice_rounds

SLICE_S = 30.0  # between two lines of progress
FIRST_SHARE = 0.6  # of the budget, for stage 1 at most


class Measured:
    """Runs rounds within `limit_s` seconds from now: stage 1 in its share, stage 2 in what is left then."""

    def __init__(self, plan: Plan, directory: str, limit_s: float, say: Callable[[str], None]) -> None:
        self._directory = directory
        self._limit_s = limit_s
        self._total = Budget(limit_s)
        self._say = say
        self._campaign = Campaign(plan, directory)
        self.kept: list[tuple[str, Sequence[tuple[shards.Raw, Document]]]] = []

    @property
    def interrupted(self) -> bool:
        return self._campaign.interrupted

    def first(self, rounds: int) -> Rounds | None:
        return self._stage("stage1", self._campaign, rounds, Budget(self._limit_s * FIRST_SHARE), ())

    def fresh(self, rounds: int, workloads: Sequence[str]) -> Rounds | None:
        self._say(f"{formatting.count(len(workloads), 'workload')} named; confirming on fresh rounds")
        second = Campaign(
            self._campaign.plan,
            self._directory,
            self._campaign.next_round,  # the same seed goes on: rounds that were never run
            self._campaign.interrupted,
        )
        self._campaign = second
        return self._stage("stage2", second, rounds, Budget(max(0.0, self._total.left())), workloads)

    def instructions(self, document: Document, arms: tuple[str, str], policy: Policy) -> list[Row]:
        if instructions.wanted(document, arms, policy):
            self._say("counting instructions")
        return instructions.rows(
            document, arms, policy, Budget(max(0.0, self._total.left())), self._directory
        )

    def _stage(
        self, name: str, campaign: Campaign, rounds: int, budget: Budget, only: Sequence[str]
    ) -> Rounds | None:
        last = campaign.next_round + rounds
        going = True
        while going and campaign.next_round < last:
            size = min(last - campaign.next_round, slice_rounds(campaign.round_s, SLICE_S))
            going = campaign.run(size, budget, only)
            done = rounds - (last - campaign.next_round)
            left = words(max(0.0, self._total.left()))
            self._say(f"{name}: {done} of {formatting.count(rounds, 'round')}, at most {left} left")
        if not campaign.parts:
            return None
        self.kept.append((name, campaign.parts))
        document = joined(campaign.parts)
        return Rounds(document, set(document.rounds), cut=len(document.rounds) < rounds)


class Stored:
    """Takes stage 1 from the first document, stage 2 from the second, or from rounds of the first that
    stage 1 left."""

    def __init__(self, documents: Sequence[Document], arms: Sequence[str]) -> None:
        self._documents = documents
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

    def fresh(self, rounds: int, workloads: Sequence[str]) -> Rounds | None:
        document = self._documents[-1]
        skip = self._used if len(self._documents) == 1 else 0
        numbers = list(document.rounds)[skip : skip + rounds]
        return Rounds(document, set(numbers), cut=len(numbers) < rounds) if numbers else None

    def instructions(self, document: Document, arms: tuple[str, str], policy: Policy) -> list[Row]:
        return []
