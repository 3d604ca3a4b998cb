"""`faultline ab` on a stand-in for the program that runs trials, and once on the program itself."""

from __future__ import annotations

import json
import math
import os
import pathlib
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from faultline_reports.ab import __main__ as ab
from faultline_reports.ab import precision, table
from faultline_reports.errors import UserError
from faultline_reports.runner.arms import arms
from faultline_reports.statistics import thresholds

Fake = Callable[..., None]
SLOWER = {"new": [1.10, 1.0, 1.0]}


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    status = ab.run(["old=/a.so", "new=/b.so", "quick", "--seed", "5", "--json", "-q", *arguments])
    value: dict[str, Any] = json.loads(capsys.readouterr().out)
    return status, value


def verdicts(value: dict[str, Any], metric: str) -> list[str]:
    return [row["verdict"] for row in value["rows"] if row["metric"] == metric]


def test_a_slower_candidate_is_slower_and_nothing_else(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_faultline(effects=SLOWER)
    status, value = answer(capsys)
    assert status == 0 and value["rounds"] == thresholds.AB_ROUNDS and value["precise_enough"]
    assert verdicts(value, "cpu_ns_per_operation") == ["slower", "slower"]
    assert verdicts(value, "peak_heap_bytes") == ["equivalent", "equivalent"]
    row = value["rows"][0]
    assert row["interval"][0] < math.log(1.1) < row["interval"][1]
    assert 0 < row["detectable"] < 0.1


def test_an_allocator_with_itself_is_equivalent(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_faultline(rows=4)
    _, value = answer(capsys)
    assert set(verdicts(value, "cpu_ns_per_operation")) == {"equivalent"}


def test_rounds_are_added_until_it_is_precise_or_there_are_the_most(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_faultline(noise=0.03)
    _, some = answer(capsys)
    assert thresholds.AB_ROUNDS < some["rounds"] <= thresholds.AB_MOST_ROUNDS
    fake_faultline(noise=0.3)
    _, most = answer(capsys, "--rounds", "26")
    assert most["rounds"] == 26 and not most["precise_enough"]


def test_the_rounds_do_not_depend_on_the_effect(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stopping looks at precision, never at what an interval says."""
    fake_faultline(noise=0.03)
    without = answer(capsys)[1]["rounds"]
    fake_faultline(noise=0.03, effects=SLOWER)
    assert answer(capsys)[1]["rounds"] == without


def test_slices_go_on_with_the_round_numbers_of_one_seed(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    fake_faultline(log=str(tmp_path / "log"))
    answer(capsys)
    words = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    firsts = [int(line[line.index("--first-round") + 1]) for line in words]
    sizes = [int(line[line.index("--rounds") + 1]) for line in words]
    assert firsts == [sum(sizes[:n]) for n in range(len(sizes))] and len(sizes) > 1
    assert all(size % 2 == 0 for size in sizes)  # in each, either arm goes first as often
    assert all("--seed 5" in " ".join(line) for line in words)
    trials = json.loads((tmp_path / "ab.json").read_text())["trials"]
    assert sorted({t["round"] for t in trials}) == list(range(20))


def test_the_budget_ends_it_with_what_there_is(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_faultline(round_s=0.5)
    status, value = answer(capsys, "--budget", "6")
    assert status == 0 and 2 <= value["rounds"] < 20 and not value["precise_enough"]


def test_no_whole_round_in_the_budget_is_said(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    fake_faultline(round_s=5)
    assert ab.run(["a=/a.so", "b=/b.so", "--budget", "1"]) == 69
    assert "before the first round was whole" in capsys.readouterr().err
    assert not (tmp_path / "ab.json").exists()


def test_ctrl_c_keeps_the_whole_rounds(fake_faultline: Fake, tmp_path: pathlib.Path) -> None:
    fake_faultline(round_s=0.1)
    process = subprocess.Popen(
        [sys.executable, "-m", "faultline_reports.ab", "a=/a.so", "b=/b.so", "--seed", "1"],
        env={**os.environ, "PYTHONPATH": str(pathlib.Path(ab.__file__).parents[2])},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None and "2 of at most" in process.stderr.readline()
    threading.Timer(0.3, lambda: process.send_signal(signal.SIGINT)).start()
    said = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in said[1]
    assert "b compared with a" in said[0]
    assert json.loads((tmp_path / "ab.json").read_text())["rounds_whole"] >= 2


def test_invalid_trials_are_left_out_and_told_by_the_status(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_faultline(invalid={"new": "killed by SIGSEGV"})
    status, value = answer(capsys, "--rounds", "4")
    assert status == 76 and value["invalid_trials"] == 8
    assert set(verdicts(value, "cpu_ns_per_operation")) == {"not measured"}


def test_what_the_run_complains_of_is_one_line(fake_faultline: Fake) -> None:
    fake_faultline(complaint='unknown allocator "x"; see `faultline list allocators`')
    with pytest.raises(UserError) as caught:
        ab.run(["x", "y", "-q"])
    assert caught.value.line() == 'unknown allocator "x"; see `faultline list allocators`'
    assert caught.value.status == 64


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["system"], "two allocators are needed"),
        (["a=/x.so", "a=/y.so"], "both arms have this name"),
        (["a", "b", "--budget", "soon"], "is not a time"),
        (["a", "b", "--rounds", "0"], "not a whole number from 1"),
        (["a", "b", "-o", "/nowhere/x.json"], "cannot be created"),
        (["--revisions", "a", "b"], "needs --build and --library"),
    ],
)
def test_a_wrong_command_line_is_one_line(fake_faultline: Fake, arguments: list[str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        ab.run(arguments)


def test_arms_have_names_of_their_own() -> None:
    assert arms("system", "system") == ("system", "system-again=system")
    assert arms("build/a.so", "./b.so") == ("base=build/a.so", "candidate=./b.so")
    assert arms("x=1.so", "mimalloc") == ("x=1.so", "mimalloc")


def test_looks_come_at_fixed_rounds() -> None:
    looks = [0]
    while looks[-1] < thresholds.AB_MOST_ROUNDS:
        looks.append(precision.next_look(looks[-1]))
    assert looks[1] == thresholds.AB_ROUNDS and looks[-1] == thresholds.AB_MOST_ROUNDS
    assert {b - a for a, b in zip(looks[1:], looks[2:])} == {thresholds.AB_STEP}


class Terminal:
    """Collects what is written, as a terminal would show it."""

    def __init__(self) -> None:
        self.lines = [""]

    def isatty(self) -> bool:
        return True

    def flush(self) -> None:
        pass

    def write(self, text: str) -> None:
        if text.startswith("\x1b["):
            up = int(text[2 : text.index("A")])
            del self.lines[-1 - up :]
            self.lines.append("")
            text = text[text.index("J") + 1 :]
        first, *rest = text.split("\n")
        self.lines[-1] += first
        self.lines += rest


def test_the_live_table_is_redrawn_in_place(fake_faultline: Fake, tmp_path: pathlib.Path) -> None:
    terminal: Any = Terminal()
    live = table.Live(terminal, quiet=False)
    live.show([], 2, 60, 100.0)
    live.show([], 4, 60, math.inf)
    assert len(terminal.lines) == 3 and terminal.lines[1] == "4 of at most 60 rounds"
    live.clear()
    assert terminal.lines == [""]


def test_two_revisions_are_built_and_compared(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=x", "-c", "user.email=x@y"]
        subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    for word in ("one", "two"):
        (tmp_path / "source").write_text(word)
        git("add", "source")
        git("commit", "-q", "-m", word)
    fake_faultline(log=str(tmp_path / "log"))
    common = ["--revisions", "HEAD~1", "HEAD", "--rounds", "2", "-q", "--build"]
    ab.run([*common, "cp source made.so && cp source " + str(tmp_path) + "/built-$(cat source)",
            "--library", "made.so"])  # fmt: skip
    assert "HEAD compared with HEAD-1" in capsys.readouterr().out
    assert (tmp_path / "built-one").exists() and (tmp_path / "built-two").exists()
    assert not [entry for entry in (tmp_path / ".git").glob("worktrees/*")]
    with pytest.raises(UserError, match="the build ended with status 3: no luck"):
        ab.run([*common, "echo no luck; exit 3", "--library", "made.so"])
    with pytest.raises(UserError, match="the build made no made.so"):
        ab.run([*common, "true", "--library", "made.so"])
    with pytest.raises(UserError, match="nothing-such"):
        ab.run(["--revisions", "nothing-such", "HEAD", "--build", "true", "--library", "x.so"])


PROGRAM = os.environ.get("FAULTLINE_LIBEXEC", "") + "/../../bin/faultline"


@pytest.mark.skipif(not os.path.exists(PROGRAM), reason="FAULTLINE_LIBEXEC names no build tree")
def test_on_the_program_itself(tmp_path: pathlib.Path) -> None:
    arguments = ["ab", "system", "system", "pair:size=64,operations=200000", "--rounds", "4", "--json", "-q"]
    arguments += ["--run-option=--idle-ms=0", "--seed", "3", "--report", "page"]
    done = subprocess.run(
        [PROGRAM, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout[done.stdout.index("{") : done.stdout.rindex("}") + 1])
    assert value["rounds"] == 4 and value["invalid_trials"] == 0
    assert {row["samples"] for row in value["rows"] if row["metric"] == "cpu_ns_per_operation"} == {4}
    assert "system-again" in (tmp_path / "page" / "index.html").read_text("utf-8")
