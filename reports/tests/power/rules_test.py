"""False alarms and misses of the gate beside other people's rules, on the same noise and with no fewer runs.

A campaign has four workloads and 70 rounds of time. The others use it as they do: 70 runs of the base, one
after another, then 70 of the candidate. The gate has the same 70 rounds of one run each, 30 to name and 40 to
confirm. A false alarm is a campaign without a change in which anything is reported; a miss is one in which
the workload that was slowed down is not.
"""

from __future__ import annotations

import noise_models
import numpy as np
import pytest
import replay
from faultline_reports.gate import decision
from faultline_reports.gate.decision import Outcome
from faultline_reports.statistics.thresholds import GATE_CONFIRM_ROUNDS, GATE_ROUNDS
from other_rules import RULES

ROUNDS = GATE_ROUNDS + GATE_CONFIRM_ROUNDS
CAMPAIGNS = 200
MODELS = ("recorded alone", "recorded among others", "autocorrelated", "drifting")
EFFECTS = (0.0, 0.05, 0.10)
GATE = "faultline gate"


def stretch(model: str, rng: np.random.Generator) -> noise_models.Floats:
    """ROUNDS rounds as they follow each other: of the recorded ones a stretch without a cut, since what
    lasts for long is what misleads those who run one arm after the other."""
    if not model.startswith("recorded"):
        return noise_models.TIMES[model](ROUNDS, rng)
    values = noise_models.recorded_times("quiet" if model == "recorded alone" else "shared")
    start = int(rng.integers(0, len(values)))
    drawn = values[(start + np.arange(ROUNDS)) % len(values)]
    return drawn[..., ::-1] if rng.integers(0, 2) else drawn


def others(values: noise_models.Floats, change: float) -> dict[str, list[bool]]:
    """By rule and workload: the first half of all runs are the base's, the second half the candidate's."""
    half = ROUNDS // 2
    found: dict[str, list[bool]] = {name: [] for name in RULES}
    for workload in range(values.shape[1]):
        base = np.exp(values[:half, workload].ravel())
        candidate = np.exp(values[half:, workload].ravel() + (change if workload == 0 else 0.0))
        for name, rule in RULES.items():
            found[name].append(rule(base, candidate))
    return found


def gate(values: noise_models.Floats, change: float) -> list[bool]:
    differences = values[..., 1] - values[..., 0]
    differences[:, 0] += change
    stages = differences[:GATE_ROUNDS], differences[GATE_ROUNDS:]
    asked = [[replay.question(list(column), replay.TIME, 10.0) for column in stage.T] for stage in stages]
    named = [n for n, answer in enumerate(decision.stage_one(asked[0])) if answer.named]
    confirmed = decision.stage_two([asked[1][n] for n in named])
    failed = [n for n, answer in zip(named, confirmed) if answer.outcome is Outcome.REGRESSION]
    return [n in failed for n in range(differences.shape[1])]


@pytest.fixture(scope="module")
def table() -> dict[tuple[str, str, float], float]:
    """(rule, model, effect) -> share of campaigns with a false alarm, or that missed the effect."""
    shares = {}
    for model in MODELS:
        rng = np.random.default_rng(9)
        for effect in EFFECTS:
            counts = dict.fromkeys((*RULES, GATE), 0)
            for _ in range(CAMPAIGNS):
                values = stretch(model, rng)
                found = {
                    **others(values, float(np.log1p(effect))),
                    GATE: gate(values, float(np.log1p(effect))),
                }
                for name, told in found.items():
                    counts[name] += any(told) if effect == 0 else not told[0]
            shares |= {(name, model, effect): count / CAMPAIGNS for name, count in counts.items()}
    heads = "".join(f"{model:>24}" for model in MODELS)
    for effect in EFFECTS:
        what = "false alarms" if effect == 0 else f"misses of +{effect:.0%}"
        print(f"\n{what:34}{heads}")
        for name in (*RULES, GATE):
            print(f"{name:34}" + "".join(f"{shares[name, model, effect]:24.1%}" for model in MODELS))
    return shares


def total(table: dict[tuple[str, str, float], float], name: str, effect: float) -> float:
    return sum(table[name, model, effect] for model in MODELS)


def test_no_other_rule_has_fewer_false_alarms(table: dict[tuple[str, str, float], float]) -> None:
    assert all(total(table, GATE, 0.0) <= total(table, name, 0.0) for name in RULES)
    assert all(table[GATE, model, 0.0] <= 0.01 for model in MODELS)


def test_no_other_rule_misses_ten_percent_less_often(table: dict[tuple[str, str, float], float]) -> None:
    """A rule that reports nearly every campaign misses nothing; only those are beside it that can be told
    from chance: with fewer than a fifth of false alarms."""
    sober = [name for name in RULES if total(table, name, 0.0) < 0.2 * len(MODELS)]
    assert all(total(table, GATE, 0.10) <= total(table, name, 0.10) for name in sober)
    assert total(table, GATE, 0.10) <= 0.1 * len(MODELS)
