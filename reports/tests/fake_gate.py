"""The gate on a stand-in for the program that runs trials, for the tests of the gate."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from faultline_reports.gate import __main__ as gate
from faultline_reports.gate.decision import Question, Rule, Tier
from faultline_reports.gate.result import Result
from faultline_reports.statistics.verdict import Scale

Fake = Callable[..., None]
AS_JSON = gate.as_json.text  # result_of() puts another in its place
ARMS = ["old=/a.so", "new=/b.so", "--seed", "5", "-q"]


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    status = gate.run([*ARMS, "--json", *arguments])
    value: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert status == value["exit"]
    return status, value


def outcomes(value: dict[str, Any], metric: str) -> set[str]:
    return {row["outcome"] for row in value["rows"] if row["metric"] == metric}


def question(
    values: list[float], tier: Tier = Tier.COUNT, noise: tuple[float, ...] = (), base: float = 10_000.0
) -> Question:
    return Question(Rule(tier, 0.005, 4.0), Scale.RATIO, base, dict(enumerate(values)), noise)


def result_of(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *extra: str) -> Result:
    found: list[Result] = []

    def keep(result: Result) -> str:
        found.append(result)
        return ""

    monkeypatch.setattr(gate.as_json, "text", keep)
    gate.run([*ARMS, "--json", *extra])
    capsys.readouterr()
    return found[0]
