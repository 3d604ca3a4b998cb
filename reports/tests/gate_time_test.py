"""How a gate divides its time, on a clock that only rounds move: nothing here waits, and no machine is
slow."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import fake_documents
import fake_faultline
import pytest
from faultline_reports import document
from faultline_reports.gate import schedule, sources
from faultline_reports.gate.decision import Outcome
from faultline_reports.gate.policy import DEFAULT_RULES, Policy
from faultline_reports.gate.remedy import remedy
from faultline_reports.gate.result import Row, Verdict
from faultline_reports.gate.stages import Judged, judge
from faultline_reports.metrics import KERNEL
from faultline_reports.runner import campaign
from faultline_reports.runner.budget import Budget
from faultline_reports.runner.campaign import NO_PROBES, Plan
from faultline_reports.statistics import thresholds

ARMS = ("old", "new")
COUNTED = 1.25  # what a counted round takes, in timed ones


@dataclasses.dataclass
class World:
    """A machine on which a round of a workload takes `round_s` seconds, and what the candidate is worse
    in."""

    round_s: float
    workloads: int = 4
    effects: tuple[float, float, float] = (1.0, 1.0, 1.0)
    noise: float = 0.03
    calls: float = 1.0
    calls_noise: float = 0.0  # of both arms
    slow_from_s: float = float("inf")  # from then on a round takes `slower` times as long
    slower: float = 1.0
    counted: float = COUNTED
    stopped_at: int = 10**9  # by Ctrl-C, after so many rounds
    stall_s: float = 0.0  # in the first round, by which a trial of `stalled` was stopped
    stalled: str = "new"
    now: float = 0.0
    ran: list[tuple[str, int, int]] = dataclasses.field(default_factory=list)  # probes, workloads, rounds

    @property
    def rounds(self) -> int:
        return sum(done for _, _, done in self.ran)

    def takes(self, only: Sequence[str], counted: bool) -> float:
        share = len(only) or self.workloads
        slow = self.slower if self.now >= self.slow_from_s else 1.0
        return self.round_s * share * (self.counted if counted else 1.0) * slow


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Callable[..., tuple[Judged, World]]:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    def run(world: World, budget_s: float, policy: Policy = Policy()) -> tuple[Judged, World]:
        class Simulated(campaign.Campaign):
            def run(self, rounds: int, budget: Budget, only: Sequence[str] = ()) -> bool:
                counted = self.probes != NO_PROBES
                done, began = 0, world.now
                while done < rounds and not self.interrupted:
                    took = world.takes(only, counted) + (0.0 if world.ran or done else world.stall_s)
                    if budget.left() < took:
                        world.now += max(0.0, budget.left())
                        break
                    world.now += took
                    done += 1
                    self.interrupted = world.rounds + done == world.stopped_at
                if done:
                    self.parts.append(_part(world, self, done, only, counted))
                    self.next_round += done
                    world.ran.append(("counted" if counted else "timed", len(only), done))
                if done == rounds:
                    self.round_s = (world.now - began) / done
                return done == rounds

        monkeypatch.setattr("time.monotonic", lambda: world.now)
        monkeypatch.setattr(sources, "Campaign", Simulated)
        plan = Plan(["quick"], [f"{arm}=/{arm}.so" for arm in ARMS], 5)
        measured = sources.Measured(plan, str(tmp_path), budget_s, lambda line: None, policy, world.workloads)
        judged = judge(measured, ARMS, policy, datetime.date(2026, 1, 1))
        assert world.now <= budget_s * 1.05
        return judged, world

    return run


def _part(
    world: World, of: campaign.Campaign, rounds: int, only: Sequence[str], counted: bool
) -> tuple[dict[str, Any], document.Document]:
    options = argparse.Namespace(
        allocators=[f"{arm}=/{arm}.so" for arm in ARMS],
        only=list(only),
        seed=of.plan.seed,
        probes="inline,syscalls" if counted else "none",
        rounds=rounds,
        first_round=of.next_round,
    )
    setup = {
        "effects": {"new": list(world.effects)},
        "calls": {"new": world.calls},
        "calls_noise": dict.fromkeys(ARMS, world.calls_noise),
        "noise": world.noise,
        "rows": world.workloads,
    }
    raw = fake_faultline.document(options, setup, of.next_round, rounds)
    if world.stall_s and not world.ran:
        fake_documents.invalidate(raw, world.stalled, "did not end within 60 s", raw["trials"][0]["workload"])
    return raw, document.parse(json.dumps(raw).encode(), "simulated.json")


def of(judged: Judged, key: str) -> set[Outcome]:
    return {row.outcome for row in judged.rows if row.metric.key == key}


def rounds(world: World, kind: str, confirming: bool) -> int:
    return sum(done for name, only, done in world.ran if name == kind and bool(only) == confirming)


@pytest.mark.parametrize("budget_s", [75, 100, 180, 600])
def test_a_clear_slowdown_is_found_with_any_budget_that_is_taken(gate: Any, budget_s: float) -> None:
    """Four workloads of half a second a round: a budget of 100 s had left 9 rounds to confirm, of 12."""
    judged, world = gate(World(round_s=0.5, effects=(1.19, 1.0, 1.0)), budget_s)
    assert judged.verdict is Verdict.REGRESSION and not judged.too_short
    assert of(judged, "cpu_ns_per_operation") <= {Outcome.REGRESSION, Outcome.INCONCLUSIVE}
    assert judged.rounds >= thresholds.GATE_LEAST_ROUNDS
    assert judged.confirm_rounds >= thresholds.GATE_LEAST_CONFIRM_ROUNDS


def test_where_there_is_not_time_for_all_some_are_confirmed_and_the_others_are_open(gate: Any) -> None:
    judged, world = gate(World(round_s=0.5, workloads=10, effects=(1.19, 1.0, 1.0)), 150)
    outcomes = [row.outcome for row in judged.rows if row.metric.key == "cpu_ns_per_operation"]
    assert judged.verdict is Verdict.REGRESSION
    assert 3 <= outcomes.count(Outcome.REGRESSION) < 10 and outcomes.count(Outcome.INCONCLUSIVE) > 0
    assert outcomes.count(Outcome.REGRESSION) + outcomes.count(Outcome.INCONCLUSIVE) == 10
    assert judged.confirm_rounds >= thresholds.GATE_LEAST_CONFIRM_ROUNDS


def test_how_many_rounds_there_are_does_not_depend_on_what_they_show(gate: Any) -> None:
    """Stage 1 has as many with a slowdown, with a gain, and with none."""
    ran = set()
    for effect in (0.8, 1.0, 1.3):
        _, world = gate(World(round_s=0.5, effects=(effect, 1.0, 1.0)), 90)
        ran.add((rounds(world, "timed", False), rounds(world, "counted", False)))
    assert len(ran) == 1


def test_how_many_more_rounds_there_are_does_not_depend_on_what_they_show(gate: Any) -> None:
    """A shift of every difference leaves the width of an interval as it is."""
    noisy = [World(round_s=0.2, noise=0.2, effects=(cpu, 1.0, 1.0)) for cpu in (0.97, 1.0, 1.02)]
    ran = [gate(world, 600)[1].ran for world in noisy]
    assert ran[0] == ran[1] == ran[2] and sum(done for _, _, done in ran[0]) > 60


def test_a_budget_that_is_too_short_says_so_after_a_round_or_two(gate: Any) -> None:
    judged, world = gate(World(round_s=0.5, effects=(1.19, 1.0, 1.0)), 42)
    assert judged.verdict is Verdict.INCONCLUSIVE and judged.too_short is not None
    assert world.ran == [("timed", 0, 1)] * thresholds.GATE_TRIED_ROUNDS
    assert judged.reasons[0] == (
        "the budget of 42 s is too short for 4 workloads, whose round takes 2 s here: "
        "at least 12 rounds, 5 that count what the kernel does and 12 fresh ones of up to 3 that are named "
        "need 1 min 8 s; it would do for the 2 shortest"
    )
    assert len(judged.too_short.enough) == 2 and 67 < judged.too_short.needed_s <= 68
    enough, _ = gate(World(round_s=0.5, workloads=2), 42)
    assert enough.verdict is Verdict.PASS
    enough, _ = gate(World(round_s=0.5), 68)
    assert enough.verdict is Verdict.PASS


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize(("budget_s", "verdict"), [(600, Verdict.PASS), (250, Verdict.INCONCLUSIVE)])
def test_a_machine_that_stood_still_in_the_first_round_is_no_regression(
    gate: Any, budget_s: float, verdict: Verdict, arm: str
) -> None:
    """One trial was stopped because of it, and its round took far longer than any other."""
    judged, world = gate(World(round_s=0.5, stall_s=200, stalled=arm), budget_s)
    assert judged.verdict is verdict and Outcome.REGRESSION not in {row.outcome for row in judged.rows}
    assert (judged.too_short is not None) == (budget_s == 250)
    assert verdict is Verdict.PASS or world.ran == [("timed", 0, 1)] * 2


def test_what_neither_arm_runs_is_no_regression() -> None:
    """The candidate is not worse than a base that does not run either."""
    value = fake_documents.make(rounds=20, workloads=fake_documents.WORKLOADS[:2], allocators=ARMS, samples=0)
    for arm in ARMS:
        fake_documents.invalidate(value, arm, "no such file", fake_documents.WORKLOADS[0][0])
    loaded = document.parse(json.dumps(value).encode(), "both.json")
    judged = judge(sources.Stored([loaded], ARMS), ARMS, Policy(), datetime.date(2026, 1, 1))
    assert judged.verdict is Verdict.COULD_NOT_TELL
    assert Outcome.REGRESSION not in {row.outcome for row in judged.rows}


def test_a_budget_shorter_than_a_round_says_so(gate: Any) -> None:
    judged, world = gate(World(round_s=2.0), 10)
    assert judged.verdict is Verdict.INCONCLUSIVE and judged.too_short and not judged.rows
    assert "not one round of 4 workloads was whole in it" in judged.reasons[0]
    assert "need more than" in judged.reasons[0] and not world.ran


def test_a_machine_that_becomes_slower_cuts_the_gate_short(gate: Any) -> None:
    judged, world = gate(World(round_s=0.5, slow_from_s=30, slower=20), 75)
    assert judged.verdict is Verdict.INCONCLUSIVE and not judged.too_short
    assert 1 < judged.rounds < thresholds.GATE_LEAST_ROUNDS
    assert judged.reasons[0] == f"cut short: {judged.rounds} rounds of at least 12"


def test_what_could_have_been_seen_is_of_the_rounds_that_there_were(gate: Any) -> None:
    """Of 40 fresh ones where time was left for them, whatever a steady count was confirmed with; of fewer
    where the budget left fewer."""

    def seen(world: World, budget_s: float) -> float:
        judged, _ = gate(world, budget_s)
        (row,) = [
            row
            for row in judged.rows
            if (row.workload, row.metric.key) == ("pair:size=64", "cpu_ns_per_operation")
        ]
        assert row.detectable is not None
        return row.detectable

    whole = seen(World(round_s=0.5), 600)
    assert seen(World(round_s=0.5, effects=(1.0, 1.0, 1.02)), 600) == pytest.approx(whole)
    assert seen(World(round_s=0.5), 68) > whole


def kernel(judged: Judged) -> list[Row]:
    return [row for row in judged.rows if row.metric.key.startswith(KERNEL)]


def test_the_kernels_counts_are_whole_on_a_loaded_machine(gate: Any) -> None:
    """They come first: with a round of 14 s in 10 minutes four of five had been counted, and every row of
    theirs was inconclusive."""
    judged, world = gate(World(round_s=1.0, workloads=12, slow_from_s=10, slower=1.4), 600)
    assert rounds(world, "counted", False) == thresholds.GATE_COUNT_ROUNDS
    assert {row.outcome for row in kernel(judged)} == {Outcome.PASS}


def test_counts_that_are_not_steady_have_as_many_rounds_as_times_and_more(gate: Any) -> None:
    judged, world = gate(World(round_s=0.5, calls_noise=0.3), 600)
    assert rounds(world, "timed", False) == thresholds.GATE_ROUNDS
    assert min(row.answer.rounds for row in kernel(judged)) >= thresholds.GATE_ROUNDS
    assert judged.verdict is Verdict.PASS
    assert {row.outcome for row in kernel(judged)} <= {Outcome.PASS, Outcome.TOO_NOISY}
    short, _ = gate(World(round_s=0.5, calls_noise=0.3), 75)
    assert max(row.answer.rounds for row in kernel(short)) < thresholds.GATE_ROUNDS


def test_counts_that_were_cut_are_made_whole_with_the_time_that_is_left(gate: Any) -> None:
    judged, world = gate(World(round_s=0.5, counted=2.4), 68)
    assert [entry for entry in world.ran if entry[0] == "counted"][0][2] < thresholds.GATE_COUNT_ROUNDS
    assert rounds(world, "counted", False) == thresholds.GATE_COUNT_ROUNDS
    assert judged.verdict is Verdict.PASS and {row.outcome for row in kernel(judged)} == {Outcome.PASS}


def test_counts_that_come_late_fail_nothing_and_pass_nothing_that_is_worse(gate: Any) -> None:
    late = World(round_s=0.5, counted=6.0)
    judged, world = gate(late, 68)
    short = kernel(judged)
    assert short and {row.outcome for row in short} == {Outcome.NOT_MEASURED}
    assert "no time was left: " in short[0].note and judged.verdict is Verdict.PASS
    worse, _ = gate(World(round_s=0.5, counted=6.0, calls=2.0), 68)
    assert worse.verdict is not Verdict.PASS


def test_after_ctrl_c_nothing_more_is_run(gate: Any) -> None:
    world = World(round_s=0.5, stopped_at=3)
    judged, _ = gate(world, 600)
    assert world.rounds == 3
    assert judged.verdict is Verdict.INCONCLUSIVE and judged.reasons[0].startswith("cut short: 1 round")


def test_a_policy_without_what_gates_in_rounds_needs_no_confirmation(gate: Any) -> None:
    off = {key: dataclasses.replace(rule, tier=type(rule.tier).OFF) for key, rule in DEFAULT_RULES.items()}
    world = World(round_s=1.0)
    judged, _ = gate(world, 20, Policy(rounds=2, rules=off))
    assert not judged.too_short and judged.rounds == 2


NEEDS = schedule.Needs(30, 40, 5)


def test_the_least_is_both_stages_and_the_counts() -> None:
    one = 12 + 5 * thresholds.GATE_COUNTED_COST + 12
    assert schedule.least(NEEDS, [1.0]) == pytest.approx(one)
    assert schedule.least(schedule.Needs(2, 0, 0), [1.0]) == pytest.approx(2)
    many = schedule.least(NEEDS, [1.0] * 10)
    assert many < 10 * one  # three of ten are to be confirmed


def test_what_a_budget_would_do_for_is_what_takes_least_and_does_the_next_time_too() -> None:
    ten = {str(number): 1.0 for number in range(10)}
    many = thresholds.GATE_COST_MARGIN * schedule.least(NEEDS, list(ten.values()))
    assert schedule.enough_for(many, NEEDS, ten) == list(ten)
    assert len(schedule.enough_for(many - 0.1, NEEDS, ten)) == 9
    one = thresholds.GATE_COST_MARGIN * schedule.least(NEEDS, [1.0])
    assert schedule.enough_for(one, NEEDS, {"a": 5.0, "b": 1.0, "c": 7.0}) == ["b"]
    assert schedule.enough_for(0.1, NEEDS, {"a": 5.0, "b": 1.0, "c": 7.0}) == []
    all_but_one = thresholds.GATE_COST_MARGIN * schedule.least(NEEDS, [5.0, 1.0])
    assert schedule.enough_for(all_but_one, NEEDS, {"a": 5.0, "b": 1.0, "c": 7.0}) == ["a", "b"]


def test_the_remedy_can_be_pasted() -> None:
    short = schedule.TooShort("", 1500.5, ["a", "larson2", "c"])
    labels_of = {"quick": ["a", "b", "c"], "larson2": ["larson2"], "pair:size=64": ["pair:size=64"]}
    assert remedy(short, 600, labels_of) == (
        "for a verdict set the budget to 26m or more; or for one within 10 min set the suite to: "
        "quick/a quick/c larson2"
    )
    none = schedule.TooShort("", 61, [])
    assert remedy(none, 60, labels_of) == (
        "for a verdict set the budget to 2m or more, or name workloads that take less"
    )


def test_the_dearest_workloads_are_what_a_confirmation_may_need() -> None:
    assert schedule.least(NEEDS, [1, 1, 1, 9, 9, 9]) > schedule.least(NEEDS, [5] * 6)


def test_a_confirmation_takes_what_fits_in_the_order_it_is_told() -> None:
    taken = {"a": 1.0, "b": 4.0, "c": 1.0}
    chosen = schedule.confirmation(30.0, 40, ["a", "b", "c"], taken, True, 0.0)
    assert (chosen.workloads, chosen.counted_rounds) == (["a", "c"], 0)
    assert schedule.confirmation(1.0, 40, ["b", "a"], taken, True, 0.0).workloads == ["b"]
    both = schedule.confirmation(100.0, 40, ["a"], taken, True, 1.25)
    assert both.counted_rounds == thresholds.GATE_COUNT_CONFIRM_ROUNDS
    tight = schedule.confirmation(32.0, 40, ["a"], taken, True, 1.25)
    assert tight.counted_rounds == thresholds.GATE_LEAST_CONFIRM_ROUNDS


def test_the_default_budget_holds_rounds_of_twenty_seconds_as_the_page_says() -> None:
    page = pathlib.Path(__file__).parents[2] / "ci" / "GATE.md"
    assert "where a round of it, both builds, takes up to some 20 seconds" in page.read_text()
    budget_s = Policy().budget_s - sources.RESERVE_S
    uneven = {str(number): 16.0 / 3 if number < 3 else 4.0 / 11 for number in range(14)}
    assert schedule.too_short(budget_s, sources.RESERVE_S, NEEDS, uneven) is None
    assert schedule.too_short(budget_s, sources.RESERVE_S, NEEDS, {"a": 25.0}) is not None
