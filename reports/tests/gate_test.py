"""The gate's verdict on fresh rounds, from a stand-in for the program that runs trials."""

from __future__ import annotations

import json
import pathlib
import re

import pytest
from fake_gate import ARMS, Fake, answer, outcomes
from faultline_reports.errors import UserError
from faultline_reports.gate import __main__ as gate
from faultline_reports.statistics import thresholds


def test_no_difference_passes(fake_faultline: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    status, value = answer(capsys)
    assert status == 0 and value["verdict"] == "pass" and value["reasons"] == []
    assert (value["rounds"], value["confirm_rounds"]) == (thresholds.GATE_ROUNDS, 0)
    row = value["rows"][0]
    assert row["detectable"] > row["limit"] > 0


@pytest.mark.parametrize(
    ("effects", "metric"),
    [
        ([1.10, 1.0, 1.0], "cpu_ns_per_operation"),
        ([1.0, 1.02, 1.0], "peak_heap_bytes"),
        ([1.0, 1.0, 1.01], "minor_faults"),
    ],
)
def test_a_regression_fails_by_fresh_rounds_of_it_alone(
    fake_faultline: Fake,
    capsys: pytest.CaptureFixture[str],
    tmp_path: pathlib.Path,
    effects: list[float],
    metric: str,
) -> None:
    fake_faultline(effects={"new": effects}, log=str(tmp_path / "log"))
    status, value = answer(capsys)
    assert status == 1 and outcomes(value, metric) == {"regression"}
    failed = [row for row in value["rows"] if row["metric"] == metric]
    assert all(row["confirmed_on_fresh_rounds"] and row["p"] <= 0.01 for row in failed)
    assert {row["rounds"] for row in failed} == {value["confirm_rounds"]}
    last = (tmp_path / "log").read_text().splitlines()[-1].split()
    assert "--only" in last and int(last[last.index("--first-round") + 1]) >= thresholds.GATE_ROUNDS


def test_an_improvement_passes(fake_faultline: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    fake_faultline(effects={"new": [0.8, 0.9, 0.9]})
    assert answer(capsys)[0] == 0


def test_what_stage_one_named_by_chance_is_not_confirmed(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_faultline(effects={"new": [1.08, 1.0, 1.0]}, quirk_from=thresholds.GATE_ROUNDS, quirk={})
    status, value = answer(capsys)
    assert status == 0 and value["confirm_rounds"] == thresholds.GATE_CONFIRM_ROUNDS
    assert outcomes(value, "cpu_ns_per_operation") == {"pass"}


def test_advice_never_fails(fake_faultline: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    (pathlib.Path("gate.toml")).write_text('[metric.cpu_ns_per_operation]\ntier = "advice"\n')
    fake_faultline(effects={"new": [1.2, 1.0, 1.0]})
    status, value = answer(capsys)
    assert status == 0 and outcomes(value, "cpu_ns_per_operation") == {"advice"}


def test_noise_that_hides_ten_percent_is_inconclusive(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_faultline(noise=1.0)
    status, value = answer(capsys)
    assert status == 2 and "inconclusive" in outcomes(value, "cpu_ns_per_operation")


def test_what_varies_has_more_rounds_where_there_is_time(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    """By how wide its interval is; nothing that is precise is run again."""
    fake_faultline(noise=0.2, log=str(tmp_path / "log"))
    status, value = answer(capsys, "--keep", str(tmp_path / "kept"))
    assert status == 0
    had = {row["rounds"] for row in value["rows"] if row["metric"] == "cpu_ns_per_operation"}
    assert had <= {60, 90, 120, 150, 180} and value["rounds"] == min(had) < max(had)
    assert any(note.startswith(f"more rounds, up to {max(had)}, of ") for note in value["notes"])
    more = [line for line in (tmp_path / "log").read_text().splitlines() if "--only" in line]
    assert more and all("--probes none" in line for line in more)
    again = answer(
        capsys, "--from", str(tmp_path / "kept/stage1.json"), "--from", str(tmp_path / "kept/stage1.json")
    )[1]
    assert again["rows"] == value["rows"] and again["rounds"] == value["rounds"]
    fake_faultline(noise=0.02)
    value = answer(capsys)[1]
    assert {row["rounds"] for row in value["rows"] if row["metric"] == "cpu_ns_per_operation"} == {30}


def test_a_budget_that_is_too_short_is_inconclusive_with_what_it_has(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_faultline(round_s=0.6)
    status, value = answer(capsys, "--budget", "9")
    assert status == 2 and value["rounds"] == thresholds.GATE_TRIED_ROUNDS
    assert value["reasons"][0].startswith("the budget of 9 s is too short")
    assert re.match("for a verdict set the budget to [0-9]+m or more", value["reasons"][-1])
    assert not any(row["outcome"] == "regression" for row in value["rows"])


def test_no_time_to_confirm_is_inconclusive(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    fake_faultline(effects={"new": [1.1, 1.0, 1.0]})
    gate.run([*ARMS, "--keep", "kept"])
    capsys.readouterr()
    status, value = answer(capsys, "--from", "kept/stage1.json")
    assert status == 2 and "too few fresh rounds" in value["reasons"][0]


def test_a_confirmation_that_is_cut_short_fails_nothing(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_faultline(effects={"new": [1.2, 1.0, 1.0]})
    gate.run([*ARMS, "--keep", "kept"])
    capsys.readouterr()
    second = json.loads(pathlib.Path("kept/stage2.json").read_text())
    second["trials"] = [t for t in second["trials"] if t["round"] < thresholds.GATE_ROUNDS + 9]
    pathlib.Path("kept/stage2.json").write_text(json.dumps(second))
    status, value = answer(capsys, "--from", "kept/stage1.json", "--from", "kept/stage2.json")
    assert status == 2 and value["confirm_rounds"] == 9
    assert outcomes(value, "cpu_ns_per_operation") == {"inconclusive"}


def test_an_arm_that_crashes(fake_faultline: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    fake_faultline(invalid={"new": "killed by SIGSEGV"})
    status, value = answer(capsys)
    assert status == 1 and "SIGSEGV" in " ".join(value["reasons"])
    fake_faultline(invalid={"old": "killed by SIGSEGV"})
    assert answer(capsys)[0] == 3


def test_stored_rounds_give_the_answer_of_the_run(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_faultline(effects={"new": [1.1, 1.0, 1.0]})
    _, first = answer(capsys, "--keep", "kept")
    _, again = answer(capsys, "--from", "kept/stage1.json", "--from", "kept/stage2.json")
    assert again["rows"] == first["rows"] and again["reasons"] == first["reasons"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["system"], "two allocators are needed"),
        (["a", "b", "--policy", "/nowhere.toml"], "does not exist"),
        (["a", "b", "--budget", "0"], "is not a time"),
        (["a", "b", "--from", "x", "--from", "x", "--from", "x"], "more than twice"),
        (["a", "b", "--from", "/nowhere.json"], "does not exist"),
    ],
)
def test_a_wrong_command_line_is_one_line(fake_faultline: Fake, arguments: list[str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        gate.run(arguments)


def test_what_cannot_be_run_is_told_before_a_round(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    fake_faultline(log=str(tmp_path / "log"))
    assert gate.run([*ARMS, "--check", "--budget", "3m"]) == 0
    assert capsys.readouterr().out == "2 workloads, 3 min: the defaults\n"
    for complaint in ({"complaint": "quikc is no suite"}, {"refused": "new"}):
        fake_faultline(log=str(tmp_path / "log"), **complaint)
        for more in ([], ["--check"]):
            with pytest.raises(UserError, match="quikc is no suite|new exports nothing"):
                gate.run([*ARMS[:2], "quikc", *ARMS[2:], *more])
    (tmp_path / "gate.toml").write_text("budgt = 1")
    with pytest.raises(UserError, match="`budgt` is not a setting"):
        gate.run([*ARMS, "--check"])
    assert not (tmp_path / "log").exists()


def test_more_calls_of_the_kernel_fail_by_counts_of_their_own(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    """Counted in rounds that are not timed: five, and sixteen fresh ones of what was named."""
    log = tmp_path / "log"
    fake_faultline(calls={"new": 1.5}, log=str(log))
    status, value = answer(capsys, "--keep", str(tmp_path / "kept"))
    assert status == 1
    failed = {row["metric"] for row in value["rows"] if row["outcome"] == "regression"}
    assert failed == {"kernel.mmap_calls"} and value["confirm_rounds"] == 16
    lines = log.read_text().splitlines()
    counted = [line for line in lines if "--probes inline,syscalls" in line]
    assert len(counted) >= 2 and all("--probes none" in line for line in lines if line not in counted)
    stored = [f"--from={tmp_path / 'kept' / name}.json" for name in ("stage1", "stage2")]
    again = json.loads(json.dumps(answer(capsys, *stored)[1]))
    assert {row["metric"] for row in again["rows"] if row["outcome"] == "regression"} == failed


def test_what_the_kernel_does_not_let_count_is_said(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    status, value = answer(capsys, "--run-option=--probes=none")
    assert status == 0
    assert any(
        note.startswith("not measured on this host: ") and "brk_calls" in note for note in value["notes"]
    )


def test_without_counts_in_the_policy_nothing_is_counted_apart(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    calls = ("mmap", "munmap", "madvise", "brk")
    text = "".join(f'[metric."kernel.{call}_calls"]\ntier = "off"\n' for call in calls)
    (tmp_path / "gate.toml").write_text(text)
    fake_faultline(log=str(tmp_path / "log"))
    assert answer(capsys)[0] == 0
    assert "inline" not in (tmp_path / "log").read_text()
