"""The gate on a stand-in for the program that runs trials, and on stored rounds."""

from __future__ import annotations

import copy
import datetime
import json
import math
import pathlib
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import fake_documents
import pytest
from faultline_reports.errors import UserError
from faultline_reports.gate import __main__ as gate
from faultline_reports.gate import decision, junit, markdown, policy, terminal, workflow
from faultline_reports.gate.decision import Outcome, Question, Rule, Tier
from faultline_reports.gate.result import Result, Verdict
from faultline_reports.statistics import thresholds
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
    fake_faultline(noise=0.4)
    status, value = answer(capsys)
    assert status == 2 and "inconclusive" in outcomes(value, "cpu_ns_per_operation")


def test_a_budget_that_is_too_short_is_inconclusive_with_what_it_has(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_faultline(round_s=0.6)
    status, value = answer(capsys, "--budget", "9")
    assert status == 2 and value["rounds"] == thresholds.GATE_TRIED_ROUNDS
    assert value["reasons"][0].startswith("the budget of 9 s is too short")
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


def stored(tmp_path: pathlib.Path, change: Callable[[dict[str, Any]], Any], rounds: int = 20) -> str:
    value = fake_documents.make(
        rounds=rounds,
        workloads=fake_documents.WORKLOADS[:2],
        allocators=("system", "slabuddy"),
        samples=0,
        floor=False,
        shape_spread=0.0,
    )
    change(value)
    path = tmp_path / "stored.json"
    path.write_text(json.dumps(value))
    return str(path)


def on_stored(path: str, capsys: pytest.CaptureFixture[str]) -> int:
    status = gate.run(["system", "slabuddy", "--from", path])
    text = capsys.readouterr().out
    assert text.startswith("gate: ") and "nan" not in text.lower()
    return status


def halve(value: dict[str, Any]) -> None:
    """The candidate has every other round."""
    value["trials"] = [t for t in value["trials"] if t["allocator"] == "system" or t["round"] % 2]


def constant(value: dict[str, Any]) -> None:
    for trial in value["trials"]:
        trial.update(peak_rss_bytes=2**20, retained_rss_bytes=0)
        for phase in trial["phases"]:
            phase.update(cpu_ns=10**6, wall_ns=10**6, minor_faults=0)


def no_figures(value: dict[str, Any]) -> None:
    for trial in value["trials"]:
        trial.update(peak_rss_bytes=None, retained_rss_bytes=None, phases=[], latency=[])


def one_arm_zero(value: dict[str, Any]) -> None:
    for trial in value["trials"]:
        if trial["allocator"] == "system":
            for phase in trial["phases"]:
                phase["minor_faults"] = 0


@pytest.mark.parametrize(
    ("change", "rounds", "status"),
    [
        (lambda value: None, 1, 2),
        (lambda value: value.update(trials=[]), 5, 3),
        (halve, 30, None),
        (constant, 20, 0),
        (no_figures, 20, 3),
        (one_arm_zero, 20, None),
        (lambda value: fake_documents.invalidate(value, "slabuddy", "crashed", rounds=3), 20, None),
        (lambda value: fake_documents.invalidate(value, "slabuddy", "x", "pair:size=64"), 60, 1),
        (lambda value: fake_documents.kill(value, 3), 20, 3),
    ],
)
def test_odd_documents_get_a_clear_answer(
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, Any]], Any],
    rounds: int,
    status: int | None,
) -> None:
    found = on_stored(stored(tmp_path, change, rounds), capsys)
    assert found in (0, 1, 2, 3) and (status is None or found == status)


def memory(value: dict[str, Any], heap: int, more: int, before: int | None = 90 * 2**20) -> None:
    """A heap of `heap` bytes beside what was there before, in the candidate `more` bytes larger."""
    for trial in value["trials"]:
        grown = heap + (more if trial["allocator"] == "slabuddy" else 0)
        trial["baseline_rss_bytes"] = before
        for field in ("peak_rss_bytes", "retained_rss_bytes"):
            trial[field] = (before or 0) + grown
        for phase in trial["phases"]:
            phase["minor_faults"] = 0


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        # 2 % of the heap, 0.2 % of the process: the heap's part is what a limit is of
        (
            lambda value: memory(value, 10 * 2**20, 200 * 2**10),
            {"peak_heap_bytes", "retained_heap_bytes"},
        ),
        (lambda value: memory(value, 10 * 2**20, 40 * 2**10), set()),
        # below 1 MiB on both sides a heap is too small to be compared, and no row
        (lambda value: memory(value, 2**18, 2**19), set()),
        (lambda value: memory(value, 2**18, 2**20), {"peak_heap_bytes", "retained_heap_bytes"}),
        # a document that does not tell what was there before is judged by the whole, by the same rule
        (
            lambda value: memory(value, 10 * 2**20, 200 * 2**10, None),
            {"peak_rss_bytes", "retained_rss_bytes"},
        ),
    ],
)
def test_memory_is_gated_by_the_heaps_part(
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, Any]], None],
    failed: set[str],
) -> None:
    path = stored(tmp_path, change, 60)
    status = gate.run(["system", "slabuddy", "--from", path, "--json"])
    value = json.loads(capsys.readouterr().out)
    beyond = {row["metric"] for row in value["rows"] if row["outcome"] == "regression"}
    assert beyond == failed and status == bool(failed)
    assert "heap" not in " ".join(value["notes"])


def test_documents_of_two_hosts_are_refused(tmp_path: pathlib.Path) -> None:
    first = stored(tmp_path, lambda value: None)
    value = json.loads(pathlib.Path(first).read_text())
    value["host"]["fingerprint"] = "other"
    (tmp_path / "b.json").write_text(json.dumps(value))
    with pytest.raises(UserError, match="different hosts"):
        gate.run(["system", "slabuddy", "--from", first, "--from", str(tmp_path / "b.json")])
    with pytest.raises(UserError, match="has no allocator 'x'"):
        gate.run(["system", "x", "--from", first])


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


def question(
    values: list[float], tier: Tier = Tier.COUNT, noise: tuple[float, ...] = (), base: float = 10_000.0
) -> Question:
    return Question(Rule(tier, 0.005, 4.0), Scale.RATIO, base, dict(enumerate(values)), noise)


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


def result_of(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *extra: str) -> Result:
    found: list[Result] = []

    def keep(result: Result) -> str:
        found.append(result)
        return ""

    monkeypatch.setattr(gate.as_json, "text", keep)
    gate.run([*ARMS, "--json", *extra])
    capsys.readouterr()
    return found[0]


def test_markdown_fits_a_comment_and_names_cannot_make_markup(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_faultline(effects={"new": [1.1, 1.05, 1.05]}, rows=12)
    result = result_of(capsys, monkeypatch)
    whole = markdown.text(result)
    assert "❌" in whole and "**regression**" in whole and "| pair:size=64 | CPU time |" in whole
    for limit in (3_000, 6_000):
        page = markdown.text(result, limit)
        assert (
            len(page) <= limit
            and "left out" in page
            and page.count("**regression**") < whole.count("**regression**")
        )
    assert markdown.escaped("<a>|@all `x`\n[y](z)") == r"\<a\>\|\@all \`x\` \[y\](z)"


def test_each_reason_is_said_once_and_by_the_same_word_everywhere(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_faultline(effects={"new": [1.1, 1.0, 1.0]}, rows=9)
    result = result_of(capsys, monkeypatch)
    assert len(result.reasons) == 1 and result.reasons[0].startswith("CPU time in pair:size=64, ")
    assert result.reasons[0].endswith(" and 3 more: worse than the limit")
    page, shown = markdown.text(result), "\n".join(terminal.lines(result, True))
    value = json.loads(AS_JSON(result))
    assert page.count("worse than the limit") == shown.count("worse than the limit") == 1
    assert value["verdict"] == "regression" and "REGRESSION: new" in page and "REGRESSION: new" in shown
    words = [row["outcome"] for row in value["rows"]]
    assert words.count("regression") == page.count("**regression**") == 9
    assert shown.count("  regression\n") == 9
    fake_faultline(noise=0.5, rows=9)
    open_ = result_of(capsys, monkeypatch)
    assert open_.verdict is Verdict.INCONCLUSIVE and len(open_.reasons) == 1
    assert markdown.text(open_).count("could be worse") == 1


def test_junit_and_annotations_agree_with_the_verdict(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_faultline(effects={"new": [1.1, 1.0, 1.0]})
    result = result_of(capsys, monkeypatch)
    root = ElementTree.fromstring(junit.text(result))
    failures = [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None]
    assert failures == ["CPU time", "CPU time"]
    assert sum(int(suite.get("failures", "0")) for suite in root) == 2
    lines = workflow.text(result).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::notice"]
    assert "CPU time +10 %25" in lines[0]
    assert result.verdict is Verdict.REGRESSION


def commands_of(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Workflow commands as the runner reads them: `::NAME KEY=VALUE,...::DATA`, one on a line, with
    %25, %0D and %0A for what ends a line and in values also %3A and %2C (actions/runner, ActionCommand.cs).
    """

    def plain(value: str) -> str:
        assert not re.search(r"%(?!25|0A|0D|3A|2C)", value)
        return re.sub("%(25|0A|0D|3A|2C)", lambda code: chr(int(code.group(1), 16)), value)

    found = []
    for line in text.splitlines():
        match = re.fullmatch(r"::(error|warning|notice) ([^:]*)::(.*)", line)
        assert match is not None, line
        pairs = dict(entry.split("=", 1) for entry in match.group(2).split(","))
        found.append(
            (match.group(1), {key: plain(value) for key, value in pairs.items()}, plain(match.group(3)))
        )
    return found


def test_annotations_are_what_a_runner_reads_whatever_the_names(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_faultline(effects={"new": [1.1, 1.05, 1.05]}, rows=12)
    result = result_of(capsys, monkeypatch)
    hostile = "a::error file=x,line=1::b%0A\r\n::stop-commands::x"
    rows = [replace(row, workload=hostile) for row in result.rows]
    found = commands_of(workflow.text(replace(result, rows=rows)))
    assert [name for name, _, _ in found] == ["error", "notice"]
    for _, pairs, data in found:
        assert pairs == {"title": "faultline gate: regression"}
        assert hostile in data and len(data) < 64 * 1024
    assert f"and {len(result.of(Outcome.REGRESSION)) - 20} more" in found[0][2]


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


def test_a_rerun_of_the_same_answers_is_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    questions = [question([0.001 * n for n in range(12)], Tier.TIME), question([0.0] * 12)]
    assert decision.stage_one(questions) == decision.stage_one(copy.deepcopy(questions))


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
