"""What is put in is found as often as predicted: by the local A/B, and by both stages of the gate."""

from __future__ import annotations

from collections.abc import Sequence

import noise_models
import numpy as np
import pytest
import replay
import scipy.stats
from faultline_reports.gate import power
from faultline_reports.gate.decision import Outcome
from faultline_reports.statistics import detectable, simultaneous
from faultline_reports.statistics.thresholds import AB_ROUNDS, GATE_CONFIRM_ROUNDS, GATE_ROUNDS, POWER

GATES = 200
CALIBRATIONS = 8
CALIBRATION_ROUNDS = 120  # from which the prediction is made: as many as a calibration has
EFFECTS = (0.03, 0.05, 0.10)
SLOWED = (replay.CPU_TIME, 0)


def agrees(found: int, tries: int, predictions: Sequence[float]) -> bool:
    """Within the binomial bounds of the lowest and the highest prediction. A calibration's rounds are a
    sample of the noise, so what is predicted from them varies: that spread is measured, over several
    calibrations, and nothing else is allowed for."""
    low = scipy.stats.binom.ppf(0.0005, tries, min(predictions))
    high = scipy.stats.binom.ppf(0.9995, tries, max(predictions))
    return bool(low <= found <= high)


def predicted_by(model: str, rng: np.random.Generator, place: replay.Key, change: float) -> float:
    """How often a gate finds `change`, from one calibration's rounds."""
    calibration = replay.draw(model, CALIBRATION_ROUNDS, rng)
    questions = replay.draw(model, GATE_ROUNDS, rng)
    used = power.Used(GATE_ROUNDS, GATE_CONFIRM_ROUNDS, power.critical(list(questions.values())))
    return float(np.mean(power.needed(calibration[place], used) <= change))


@pytest.mark.parametrize("model", noise_models.TIMES)
@pytest.mark.parametrize("effect", EFFECTS)
def test_the_gate_finds_slowdowns_as_often_as_predicted(model: str, effect: float) -> None:
    rng = np.random.default_rng(int(effect * 1000))
    change = float(np.log1p(effect))
    predicted = [predicted_by(model, rng, SLOWED, change) for _ in range(CALIBRATIONS)]
    found = sum(replay.gate(model, rng, change)[SLOWED] is Outcome.REGRESSION for _ in range(GATES))
    print(
        f"{model:24} +{effect:4.0%}: predicted {min(predicted):5.1%} to {max(predicted):5.1%}, "
        f"found {found / GATES:5.1%}"
    )
    assert agrees(found, GATES, predicted)
    if effect == 0.10 and model != "recorded among others":
        assert found >= 0.95 * GATES


@pytest.mark.parametrize("model", ["recorded alone", "recorded among others"])
@pytest.mark.parametrize(("key", "effect"), [("peak_heap_bytes", 0.02), ("minor_faults", 0.01)])
def test_the_gate_finds_memory_and_faults_as_often_as_predicted(model: str, key: str, effect: float) -> None:
    rng = np.random.default_rng(3)
    change = float(np.log1p(effect))
    place = (key, replay.LARSON)
    predicted = [predicted_by(model, rng, place, change) for _ in range(CALIBRATIONS)]
    found = sum(replay.gate(model, rng, change, key)[place] is Outcome.REGRESSION for _ in range(GATES))
    print(
        f"{model:24} {key:16} +{effect:.0%}: predicted {min(predicted):5.1%} to {max(predicted):5.1%}, "
        f"found {found / GATES:5.1%}"
    )
    assert agrees(found, GATES, predicted)
    assert found >= 0.95 * GATES


@pytest.mark.parametrize("model", ["recorded alone", "recorded among others"])
def test_a_rise_of_what_varies_by_nature_is_not_taken_for_its_noise(model: str) -> None:
    """mstress2's retained memory, of which the gate is open now and then: nothing that rose by 15 % passes or
    is too noisy."""
    rng = np.random.default_rng(5)
    place = ("retained_heap_bytes", replay.MSTRESS)
    outcomes = [
        replay.gate(model, rng, float(np.log1p(0.15)), place[0], counts_of=replay.MSTRESS)[place]
        for _ in range(GATES)
    ]
    told = {outcome.value: outcomes.count(outcome) / GATES for outcome in set(outcomes)}
    print(f"{model:24} retained heap +15%: {told}")
    assert told.get("too noisy", 0.0) <= 0.01 and told.get("pass", 0.0) <= 0.01
    assert told.get("regression", 0.0) >= 0.9


@pytest.mark.parametrize("model", noise_models.TIMES)
def test_an_ab_sees_what_it_says_it_could_have_seen(model: str) -> None:
    """With `detectable` as the effect, the simultaneous interval excludes 0 in eight of ten."""
    rng = np.random.default_rng(4)

    def differences(rounds: int) -> list[dict[int, float]]:
        values = noise_models.TIMES[model](rounds, rng)
        return [dict(enumerate(column)) for column in (values[..., 1] - values[..., 0]).T]

    critical = simultaneous.critical_value(differences(AB_ROUNDS))
    noises = [list(differences(CALIBRATION_ROUNDS)[0].values()) for _ in range(CALIBRATIONS)]
    effect = detectable.smallest(noises[0], AB_ROUNDS, critical)
    assert effect is not None
    # What other calibrations would have said of this effect.
    predicted = [
        POWER,
        *(float(np.mean(-detectable.lower_bounds(n, AB_ROUNDS, critical) <= effect)) for n in noises[1:]),
    ]
    found = 0
    for _ in range(GATES):
        columns = differences(AB_ROUNDS)
        columns[0] = {number: value + effect for number, value in columns[0].items()}
        bounds = simultaneous.intervals(columns)[0]
        found += bounds is not None and bounds[0] > 0
    print(f"{model:24} could see {np.expm1(effect):.1%}: found {found / GATES:.1%}")
    assert agrees(found, GATES, predicted)
