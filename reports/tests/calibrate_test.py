"""`faultline calibrate`: what it stores is what the gate then takes."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Callable
from typing import Any

import pytest
from faultline_reports import calibrate, calibration
from faultline_reports.ab import __main__ as ab
from faultline_reports.errors import UserError
from faultline_reports.gate import __main__ as gate

Fake = Callable[..., None]
HOST = "9f2c6a77d1e04b38"  # of fake_documents.py


@pytest.fixture(autouse=True)
def few_replays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "REPLAYS", 30)


def calibrated(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert calibrate.run(["--seed", "1", "-q", "--json", *arguments]) == 0
    value: dict[str, Any] = json.loads(capsys.readouterr().out)
    return value


def test_the_gate_takes_the_noise_that_was_stored(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    value = calibrated(capsys, "--rounds", "40")
    stored = calibration.load(HOST)
    assert stored is not None and stored.rounds == 40 and value["failed_gates"] == 0
    assert len(stored.noise["pair:size=64", "cpu_ns_per_operation"]) == 40
    assert gate.run(["a=/a.so", "b=/b.so", "--seed", "2", "-q", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert f"0 of {calibrate.REPLAYS} replayed A/A gates failed" in result["notes"][-1]
    quiet = result["rows"][0]["detectable"]
    wide = {key: [10 * d for d in values] for key, values in stored.noise.items()}
    calibration.store(dataclasses.replace(stored, noise=wide))
    gate.run(["a=/a.so", "b=/b.so", "--seed", "2", "-q", "--json"])
    assert json.loads(capsys.readouterr().out)["rows"][0]["detectable"] > 2 * quiet


def test_what_is_known_to_be_too_noisy_is_told_and_not_gated(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    def gated() -> tuple[int, dict[str, Any]]:
        status = gate.run(["a=/a.so", "b=/b.so", "--seed", "2", "-q", "--json"])
        value: dict[str, Any] = json.loads(capsys.readouterr().out)
        return status, value

    fake_faultline(noise=1.0)
    assert gated()[0] == 2
    calibrated(capsys, "--rounds", "60")
    status, value = gated()
    assert status == 0 and "left out of the verdict: CPU time" in " ".join(value["notes"])
    words = {row["metric"]: row["outcome"] for row in value["rows"]}
    assert words["cpu_ns_per_operation"] == "too noisy" and words["minor_faults"] == "pass"
    fake_faultline(noise=1.0, effects={"b": [1.0, 1.05, 1.0]})
    assert gated()[0] == 1  # what is steady gates as before
    fake_faultline(noise=1.0, effects={"b": [6.0, 1.0, 1.0]})
    assert gated()[0] == 1  # and so does what both stages find in spite of the noise


def test_an_ab_takes_it_too(fake_faultline: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    def seen() -> tuple[float, str]:
        ab.run(["a=/a.so", "b=/b.so", "--seed", "2", "-q", "--json"])
        value = json.loads(capsys.readouterr().out)["rows"][0]["detectable"]
        ab.run(["a=/a.so", "b=/b.so", "--seed", "2", "-q"])
        return value, capsys.readouterr().out

    quiet, text = seen()
    assert "not measured; run `faultline calibrate`" in text
    fake_faultline(noise=0.1)
    calibrated(capsys, "--rounds", "30")
    fake_faultline()
    wide, text = seen()
    assert wide > 2 * quiet and "replayed A/A gates failed" in text


def test_counts_that_may_be_nothing_keep_their_own_noise(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    """Differences of a count that was 0 are no ratios: taken for such, they would allow anything."""
    calibrated(capsys, "--rounds", "12")
    stored = calibration.load(HOST)
    assert stored is not None
    assert all(abs(value) < 1 for values in stored.noise.values() for value in values)


def test_the_noise_of_other_work_is_not_taken(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    calibrated(capsys, "--rounds", "12")
    stored = calibration.load(HOST)
    assert stored is not None
    other = {label: {"operations": "1"} for label in stored.parameters}
    document = dataclasses.make_dataclass("Document", ["workloads"])
    workload = dataclasses.make_dataclass("Workload", ["label", "parameters"])
    host: Any = document([workload("pair:size=64", {"operations": "500000"})])
    assert {key[0] for key in stored.noise_for(host)} == {"pair:size=64"}
    assert not dataclasses.replace(stored, parameters=other).noise_for(host)


def test_a_smaller_wish_needs_more_rounds(fake_faultline: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    fake_faultline(noise=0.03)
    large = calibrated(capsys, "--wish", "0.05")["rows"][0]["rounds"]
    small = calibrated(capsys, "--wish", "0.01")["rows"][0]["rounds"]
    assert small > 10 * large


def test_too_few_rounds_are_said_and_not_stored(fake_faultline: Fake) -> None:
    fake_faultline(round_s=3)
    with pytest.raises(UserError, match="too few to tell the noise"):
        calibrate.run(["-q", "--budget", "1"])
    assert calibration.load(HOST) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema": "other"}', '{"schema": "faultline-calibration/1", "noise": 3}']
)
def test_a_broken_store_is_one_line(fake_faultline: Fake, text: str) -> None:
    path = pathlib.Path(calibration.place(HOST))
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        gate.run(["a=/a.so", "b=/b.so", "-q"])
    assert str(path) in caught.value.line()


def test_a_rate_of_nothing_is_not_nought() -> None:
    none = calibration.Calibration(HOST, "2026-01-01T", "system", 60, 1.0, 500, 0, {}, {})
    assert none.at_most() == pytest.approx(0.006)
    assert dataclasses.replace(none, failed=5).at_most() == pytest.approx(0.021)


@pytest.mark.parametrize(
    ("arguments", "words"), [(["--wish", "no"], "not a share"), (["--rounds", "3"], "whole number")]
)
def test_a_wrong_command_line_is_one_line(fake_faultline: Fake, arguments: list[str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        calibrate.run(arguments)
