"""Where a gate's rounds come from: measured now, or in documents that were kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from faultline_reports import formatting, shards
from faultline_reports.errors import Exit, UserError
from faultline_reports.gate import instructions, schedule
from faultline_reports.gate.decision import Tier
from faultline_reports.gate.policy import Policy
from faultline_reports.gate.result import Row
from faultline_reports.gate.stages import Rounds
from faultline_reports.metrics import KERNEL, MEMORY_CALLS
from faultline_reports.model import Document
from faultline_reports.runner.budget import Budget, words
from faultline_reports.runner.campaign import NO_PROBES, Campaign, Plan, joined, slice_rounds
from faultline_reports.statistics.thresholds import GATE_COUNT_ROUNDS, GATE_COUNTED_COST, GATE_TRIED_ROUNDS

Parts = Sequence[tuple[shards.Raw, Document]]

COUNTS = "kernel counts"
SLICE_S = 30.0  # between two lines of progress
RESERVE_S = 4.0  # kept of a budget for the last statistics and the output


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
    """Runs rounds within `budget_s` seconds from now, as schedule.py divides them. The first one shows what a
    round takes: where the budget cannot hold the least that leads to a verdict, it is the only one, and
    `too_short` says why. What the kernel counts is counted in rounds of their own: counting makes trials
    slower. They are a fixed number, so they come before the timed ones, which take the time that is left."""

    def __init__(
        self,
        plan: Plan,
        directory: str,
        budget_s: float,
        say: Callable[[str], None],
        policy: Policy,
        workloads: int = 0,
    ) -> None:
        self._plan = plan
        self._directory = directory
        self._reserve_s = min(RESERVE_S, budget_s / 2)
        self._limit_s = budget_s - self._reserve_s
        self._total = Budget(self._limit_s)
        self._say = say
        self._probes = probes(policy)
        gates = any(rule.tier is not Tier.ADVICE for _, rule in policy.metrics())
        self._needs = schedule.Needs(
            policy.rounds,
            policy.confirm_rounds if gates else 0,
            GATE_COUNT_ROUNDS if self._probes else 0,
        )
        self._workloads = workloads
        self._next_round = 0
        self._costs: schedule.Costs = {}
        self._timed: Campaign | None = None
        self._counted: Campaign | None = None
        self._counted_round_s = 0.0  # of all workloads
        self.interrupted = False
        self.stopped_early = True  # where there is no round, the time was up
        self.too_short: schedule.TooShort | None = None
        self.kept: list[Kept] = []

    @property
    def uncounted(self) -> bool:
        return self._probes is not None and (self._counted is None or not self._counted.parts)

    def first(self, rounds: int) -> Rounds | None:
        timed = self._timed = self._campaign()
        self._run("stage 1", timed, 1, self._limit_s)
        if not timed.parts:
            if not self.interrupted:
                self.too_short = schedule.no_round(
                    self._limit_s, self._reserve_s, self._needs, self._workloads
                )
            return None
        self._try(timed)
        if not self.too_short:
            if self._probes is not None:
                self._count()
            self._run("stage 1", timed, self._needs.least_rounds, self._limit_s)
            self._learn(timed)
            until_s = schedule.first_until(self._limit_s, self._needs, list(self._costs.values()))
            self._run("stage 1", timed, rounds, until_s)
            self._learn(timed)
        self._next_round = timed.next_round
        return self._rounds("stage1", rounds, timed, self._counted)

    def _try(self, timed: Campaign) -> None:
        """Learns from a round what one takes, and whether the budget can hold the least: from the quicker of
        two where it cannot hold it by the first."""
        self._learn(timed)
        for tried in range(1, GATE_TRIED_ROUNDS + 1):
            took_s = sum(self._costs.values())
            lost_s = max(0.0, self._total.spent() - _done(timed) * took_s)
            self.too_short = schedule.too_short(
                self._limit_s, self._reserve_s, self._needs, self._costs, lost_s
            )
            if not self.too_short or tried == GATE_TRIED_ROUNDS:
                return
            self._run("stage 1", timed, tried + 1, self._limit_s)
            if timed.round_s < took_s:
                self._learn(timed)

    def _count(self) -> None:
        """The kernel's counts, as far as they leave time for the least of all else."""
        self._counted = Campaign(self._plan, self._directory, self._probes, 0, self.interrupted)
        others = schedule.least(replace(self._needs, counted_rounds=0), list(self._costs.values()))
        spent_s = self._total.spent()
        self._run(COUNTS, self._counted, GATE_COUNT_ROUNDS, self._limit_s - max(0.0, others - spent_s))
        self._counted_round_s = self._counted.round_s

    def more(self, rounds: int, workloads: Sequence[str], counted: bool) -> Rounds | None:
        campaign = self._counted if counted else self._timed
        if campaign is None or self.too_short or not self.kept:
            return None
        before, least = _done(campaign), GATE_COUNT_ROUNDS if counted else self._needs.rounds
        if before < least:
            return None  # those of all workloads come first
        until_s = schedule.first_until(self._limit_s, self._needs, list(self._costs.values()))
        self._run(COUNTS if counted else "of what varies", campaign, rounds, until_s, workloads)
        self._next_round = max(self._next_round, campaign.next_round)
        return self._grown(before, campaign)

    def late_counts(self) -> Rounds | None:
        """Stage 1's rounds again, with the counts that it had no time for and there is time for now; None
        when there are none."""
        if self._counted is None or self.too_short or not self.kept:
            return None
        before = _done(self._counted)
        if before < GATE_COUNT_ROUNDS:
            self._run(COUNTS, self._counted, GATE_COUNT_ROUNDS, self._limit_s)
        return self._grown(before, self._counted)

    def _grown(self, before: int, campaign: Campaign) -> Rounds | None:
        """Stage 1's rounds with all that there are by now; None where `campaign` has no more than
        `before`."""
        if self._timed is None or _done(campaign) == before:
            return None
        counts = self._counted.parts if self._counted is not None else []
        self.kept[0] = replace(self.kept[0], parts=self._timed.parts, counted=counts)
        return _of(self._timed.parts, counts, self._needs.rounds)

    def same(
        self, rounds: int, workloads: Sequence[str], counted: bool
    ) -> tuple[Rounds, tuple[str, str]] | None:
        if self.too_short:
            return None
        base = self._plan.arms[0]
        name, _, library = base.partition("=")
        again = f"{name}-again"
        plan = replace(self._plan, arms=[base, f"{again}={library or name}"])
        campaign = Campaign(
            plan, self._directory, self._probes if counted else NO_PROBES, self._next_round, self.interrupted
        )
        self._run("the base against itself", campaign, rounds, self._limit_s, workloads)
        self._next_round = campaign.next_round
        if not campaign.parts:
            return None
        self.kept.append(Kept("same-counted" if counted else "same", campaign.parts, []))
        return _of(campaign.parts, [], rounds), (name, again)

    def fresh(
        self, rounds: int, workloads: Sequence[str], keys: Collection[str], more: Mapping[str, int]
    ) -> Rounds | None:
        if self.too_short:
            return None
        by_kernel = {key for key in keys if key.startswith(KERNEL)} if self._probes else set()
        timed = by_kernel != set(keys)
        chosen = schedule.confirmation(
            self._total.left(),
            rounds,
            workloads,
            self._costs,
            timed,
            self._counted_cost() if by_kernel else 0.0,
        )
        said = formatting.count(len(chosen.workloads), "named workload")
        if len(chosen.workloads) < len(workloads):
            said += f" of {len(workloads)}, for which there is time"
        self._say(f"confirming {said} on fresh rounds")
        counted = None
        if by_kernel:
            counted = self._campaign(self._probes)
            self._run(COUNTS, counted, chosen.counted_rounds, self._limit_s, chosen.workloads)
            if not timed:
                self._next_round = counted.next_round
                return self._rounds("stage2", chosen.counted_rounds, counted, None)
        again = self._campaign()
        self._run("stage 2", again, rounds, self._limit_s, chosen.workloads)
        for wanted in sorted({most for most in more.values() if most > rounds}):
            labels = [label for label in chosen.workloads if more.get(label, 0) >= wanted]
            if labels:
                self._run("stage 2", again, wanted, self._limit_s, labels)
        self._next_round = max(again.next_round, counted.next_round if counted is not None else 0)
        return self._rounds("stage2", rounds, again, counted)

    def could_confirm(self, rounds: int) -> int:
        """How many fresh rounds of one workload more there is time for now."""
        one_s = sum(self._costs.values()) / max(1, len(self._costs))
        return min(rounds, int(max(0.0, self._total.left()) / one_s)) if one_s > 0 else rounds

    def instructions(self, document: Document, arms: tuple[str, str], policy: Policy) -> list[Row]:
        if instructions.wanted(document, arms, policy):
            self._say("counting instructions")
        return instructions.rows(
            document, arms, policy, Budget(max(0.0, self._total.left())), self._directory
        )

    def _campaign(self, probes: str | None = NO_PROBES) -> Campaign:
        """Of rounds that were never run."""
        return Campaign(self._plan, self._directory, probes, self._next_round, self.interrupted)

    def _run(
        self, name: str, campaign: Campaign, rounds: int, until_s: float, only: Sequence[str] = ()
    ) -> None:
        """Rounds until `campaign` has so many, or the gate has taken `until_s` seconds."""
        going = not self.interrupted
        while going and _done(campaign) < rounds:
            size = min(rounds - _done(campaign), slice_rounds(campaign.round_s, SLICE_S))
            going = campaign.run(size, Budget(until_s - self._total.spent()), only)
            left = words(max(0.0, self._total.left()))
            self._say(
                f"{name}: {_done(campaign)} of {formatting.count(rounds, 'round')}, at most {left} left"
            )
        self.interrupted = self.interrupted or campaign.interrupted

    def _learn(self, timed: Campaign) -> None:
        """What a round takes by the newest slice: the machine may have become slower."""
        self._costs = schedule.costs(joined(timed.parts), timed.round_s)

    def _counted_cost(self) -> float:
        """Of a counted round, in timed ones."""
        timed = sum(self._costs.values())
        measured = self._counted_round_s
        return measured / timed if measured and timed else GATE_COUNTED_COST

    def _rounds(self, name: str, rounds: int, timed: Campaign, counted: Campaign | None) -> Rounds | None:
        """A stage's rounds as one document."""
        if not timed.parts:
            return None
        counts = counted.parts if counted is not None else []
        self.kept.append(Kept(name, timed.parts, counts))
        return _of(timed.parts, counts, rounds)


def _done(campaign: Campaign) -> int:
    return sum(len(document.rounds) for _, document in campaign.parts)


def _of(timed: Parts, counted: Parts, rounds: int) -> Rounds:
    """As one document. `rounds`: how many timed ones were wanted."""
    document = joined(timed)
    if counted:
        document = replace(document, counts=joined(counted).trials)
    numbers = {*document.rounds, *(trial.round for trial in document.counts)}
    return Rounds(document, numbers, cut=len(document.rounds) < rounds)


class Stored:
    """Takes stage 1 from the first document, stage 2 from the second, or from rounds of the first that
    stage 1 left."""

    def __init__(self, documents: Sequence[Document], arms: Sequence[str]) -> None:
        self._documents = documents
        self.stopped_early = False
        self.too_short: schedule.TooShort | None = None
        self.uncounted = False  # what is stored is not for want of time
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
        alone = len(self._documents) == 1  # else it holds stage 1 and nothing more
        numbers = list(document.rounds)[: rounds if alone else None]
        self._used = len(numbers)
        return Rounds(document, set(numbers), cut=len(numbers) < rounds) if numbers else None

    def same(
        self, rounds: int, workloads: Sequence[str], counted: bool
    ) -> tuple[Rounds, tuple[str, str]] | None:
        return None

    def fresh(
        self, rounds: int, workloads: Sequence[str], keys: Collection[str], more: Mapping[str, int]
    ) -> Rounds | None:
        document = self._documents[-1]
        alone = len(self._documents) == 1
        skip, most = (self._used, self._used + rounds) if alone else (0, None)
        numbers = list(document.rounds)[skip:most]
        return Rounds(document, set(numbers), cut=len(numbers) < rounds) if numbers else None

    def more(self, rounds: int, workloads: Sequence[str], counted: bool) -> Rounds | None:
        return None

    def late_counts(self) -> Rounds | None:
        return None

    def could_confirm(self, rounds: int) -> int:
        return rounds

    def instructions(self, document: Document, arms: tuple[str, str], policy: Policy) -> list[Row]:
        return []
