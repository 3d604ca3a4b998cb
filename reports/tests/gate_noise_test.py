"""What the gate makes of counts that vary from process to process."""

from __future__ import annotations

import pytest
from fake_gate import Fake, answer, outcomes

CALLS = "kernel.mmap_calls"
BOTH = {"old": 1.0, "new": 1.0}


def test_a_count_that_varies_in_the_base_alone_leaves_the_verdict_to_the_others(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_faultline(calls_noise=BOTH)
    status, value = answer(capsys)
    assert status == 0 and "too noisy" in outcomes(value, CALLS) <= {"too noisy", "pass"}
    said = [note for note in value["notes"] if note.startswith("left out of the verdict: ")]
    assert len(said) == 1 and "mmap_calls" in said[0] and "nothing changed" in said[0]


def test_a_candidate_cannot_leave_the_gate_by_noise_of_its_own(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_faultline(calls_noise={"new": 1.0})
    status, value = answer(capsys)
    assert status == 2 and "inconclusive" in outcomes(value, CALLS)
    assert "too noisy" not in outcomes(value, CALLS)


def test_what_both_arms_of_a_round_share_is_no_noise(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    """A round's seed decides how much is called: the base differs from round to round, and not from
    itself."""
    fake_faultline(calls_of_round=0.7)
    assert answer(capsys)[0] == 0
    fake_faultline(calls_of_round=0.7, calls_noise={"new": 1.5})
    status, value = answer(capsys)
    assert status != 0 and "too noisy" not in outcomes(value, CALLS)


def test_what_was_named_is_never_too_noisy(fake_faultline: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    fake_faultline(calls_noise={"old": 2.0, "new": 2.0}, calls={"new": 2.5}, quirk_from=10**9)
    named = [row for row in answer(capsys)[1]["rows"] if row["confirmed_on_fresh_rounds"]]
    assert named and all(row["outcome"] in ("regression", "inconclusive", "pass") for row in named)


def test_what_both_stages_find_is_a_regression_however_noisy_it_is(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_faultline(calls_noise=BOTH, calls={"new": 8.0})
    assert answer(capsys)[0] == 1
    fake_faultline(calls_noise=BOTH, calls={"new": 1 / 8.0})
    assert answer(capsys)[0] == 0


def test_a_gate_of_nothing_but_noise_could_not_tell(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    with open("gate.toml", "w", encoding="utf-8") as policy:
        for key in ("cpu_ns_per_operation", "peak_heap_bytes", "retained_heap_bytes", "minor_faults"):
            policy.write(f'[metric.{key}]\ntier = "off"\n')
    fake_faultline(calls_noise={"old": 3.0, "new": 3.0})
    status, value = answer(capsys)
    assert status == 3 and outcomes(value, CALLS) == {"too noisy"}
    assert "nothing that gates could be told" in " ".join(value["reasons"])
