"""The gate's policy: what gate.toml may say, allowances, limits and tolerances."""

from __future__ import annotations

import copy
import datetime
import math
import pathlib
import re

import pytest
from fake_gate import Fake, answer, outcomes, question
from faultline_reports.errors import UserError
from faultline_reports.gate import __main__ as gate
from faultline_reports.gate import decision, policy
from faultline_reports.gate.decision import Outcome, Tier

ALLOW = """
[[allow]]
workload = "pair*"
metric = "peak_heap_bytes"
up_to = 0.05
until = {until}
reason = "a page per CPU"
"""


def test_an_allowed_regression_passes_until_its_day(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_faultline(effects={"new": [1.0, 1.02, 1.0]}, rows=1)
    today = datetime.date.today()
    rest = '[metric.retained_heap_bytes]\ntier = "off"\n[metric.minor_faults]\ntier = "off"\n'
    pathlib.Path("gate.toml").write_text(rest + ALLOW.format(until=today))
    status, value = answer(capsys)
    assert status == 0 and outcomes(value, "peak_heap_bytes") == {"allowed"}
    pathlib.Path("gate.toml").write_text(rest + ALLOW.format(until=today - datetime.timedelta(days=1)))
    status, value = answer(capsys)
    assert status == 1 and "expired" in " ".join(value["notes"])
    fake_faultline(effects={"new": [1.0, 1.08, 1.0]}, rows=1)
    pathlib.Path("gate.toml").write_text(rest + ALLOW.format(until=today))
    status, value = answer(capsys)
    assert status == 1 and "more than the 5 % allowed" in value["reasons"][0]
    pathlib.Path("gate.toml").write_text(ALLOW.format(until=today).replace("peak_heap", "peak_rss"))
    with pytest.raises(UserError, match="whole process.*write peak_heap_bytes"):
        gate.run(["old", "new"])


def test_the_example_policy_is_a_policy(tmp_path: pathlib.Path) -> None:
    (tmp_path / "gate.toml").write_text(policy.EXAMPLE)
    loaded = policy.load(str(tmp_path / "gate.toml"))
    assert len(loaded.allowances) == 1
    assert loaded.rules == {**policy.DEFAULT_RULES}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = ", "is not TOML"),
        ("x = 1", "`x` is not a setting"),
        ("rounds = 0", "`rounds` is 0"),
        ("rounds = nan", "`rounds` is nan"),
        ('budget = "soon"', "is not a time"),
        ("workloads = []", "`workloads` is not a list"),
        ("metric = 1", "`metric` is not a table"),
        ("[metric.speed]\ntier='time'", "`metric.speed` is not a metric"),
        ("[metric.minor_faults]\ntier='x'", "`metric.minor_faults.tier` is 'x'"),
        ("[metric.minor_faults]\nlimit=-1", "`metric.minor_faults.limit` is -1"),
        ("[metric.minor_faults]\nlimit=nan", "`metric.minor_faults.limit` is nan"),
        ("[metric.minor_faults]\nlimits=1", "`metric.minor_faults.limits` is not a setting"),
        ("allow = 3", "`allow` is not a list"),
        ("[[allow]]\nworkload='x'\nmetric='y'\nuntil=2030-01-01", "reason` is missing"),
        ("[[allow]]\nworkload='x'\nmetric='y'\nreason='z'", "until` is not a date"),
        ("\ufffd\x00", "is not TOML"),
    ],
)
def test_a_wrong_policy_is_one_line(tmp_path: pathlib.Path, text: str, words: str) -> None:
    path = tmp_path / "p.toml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        policy.load(str(path))
    assert re.search(words, caught.value.line()), caught.value.line()
    assert "\n" not in caught.value.line() and str(path) in caught.value.line()


def test_the_tolerance_of_a_steady_count_is_never_below_its_noise() -> None:
    still = question([0.0] * 9)
    assert decision.limit(still) == pytest.approx(math.log1p(0.005))
    few = question([0.0] * 9, base=100.0)
    assert decision.limit(few) == pytest.approx(math.log1p(0.04))  # four of a hundred
    shaking = question([0.0] * 9, noise=(-0.004, 0.004, 0.0, -0.003, 0.003))
    assert decision.limit(shaking) == pytest.approx(5 * 0.003) and decision.steady(shaking)
    wild = question([0.0] * 9, noise=(-0.04, 0.04, 0.0, -0.03, 0.03))
    assert not decision.steady(wild) and decision.limit(wild) == pytest.approx(math.log1p(0.005))


def test_five_rounds_are_enough_to_name_a_steady_count() -> None:
    named, still = decision.stage_one([question([0.01] * 5), question([0.001] * 5)])
    assert named.named and named.outcome is Outcome.INCONCLUSIVE
    assert not still.named


def test_nothing_fails_without_fresh_rounds() -> None:
    everything = [question([0.5] * 30), question([0.5] * 30, Tier.TIME)]
    assert all(entry.outcome is not Outcome.REGRESSION for entry in decision.stage_one(everything))
    assert all(entry.outcome is Outcome.REGRESSION for entry in decision.stage_two(everything))
    assert decision.stage_two([question([])])[0].outcome is Outcome.INCONCLUSIVE


def test_a_rerun_of_the_same_answers_is_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    questions = [question([0.001 * n for n in range(12)], Tier.TIME), question([0.0] * 12)]
    assert decision.stage_one(questions) == decision.stage_one(copy.deepcopy(questions))
