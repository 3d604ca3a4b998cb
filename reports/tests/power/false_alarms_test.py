"""A thousand gates on two arms that are the same: at most one in a hundred may fail."""

from __future__ import annotations

import noise_models
import numpy as np
import pytest
import replay
from faultline_reports.gate import decision
from faultline_reports.gate.decision import Outcome
from faultline_reports.statistics.thresholds import (
    GATE_CONFIRM_ROUNDS,
    GATE_LEAST_CONFIRM_ROUNDS,
    GATE_LEAST_ROUNDS,
    GATE_ROUNDS,
)

GATES = 1_000
ROUNDS = 40


@pytest.mark.parametrize("model", noise_models.TIMES)
@pytest.mark.parametrize(
    ("rounds", "confirm_rounds"),
    [(GATE_ROUNDS, GATE_CONFIRM_ROUNDS), (GATE_LEAST_ROUNDS, GATE_LEAST_CONFIRM_ROUNDS)],
)
def test_gates_without_a_change_do_not_fail(model: str, rounds: int, confirm_rounds: int) -> None:
    """With the rounds that are wanted, and with the least that a short budget leaves."""
    rng = np.random.default_rng(7)
    outcomes = [
        replay.gate(model, rng, rounds=rounds, confirm_rounds=confirm_rounds).values() for _ in range(GATES)
    ]
    failed = sum(map(replay.failed, outcomes))
    undecided = sum(Outcome.INCONCLUSIVE in entry and not replay.failed(entry) for entry in outcomes)
    noisy = sum(Outcome.TOO_NOISY in entry for entry in outcomes)
    print(
        f"{model:24} {rounds} and {confirm_rounds} rounds: {failed} of {GATES} failed, "
        f"{undecided} inconclusive, {noisy} with a row that is too noisy"
    )
    assert failed <= GATES / 100
    if rounds == GATE_ROUNDS:
        assert undecided <= GATES / 20


def test_the_control_that_must_fail_does() -> None:
    """The same machine, but one arm after the other instead of interleaved: its drift is then the
    candidate's."""
    rng = np.random.default_rng(8)
    failed = 0
    for _ in range(100):
        values = noise_models.drifting(2 * ROUNDS, rng)[..., 0]
        differences = values[ROUNDS:] - values[:ROUNDS]
        asked = [replay.question(list(column), replay.TIME, 10.0) for column in differences.T]
        failed += any(answer.outcome is Outcome.REGRESSION for answer in decision.stage_two(asked))
    assert failed >= 90
