"""Bisection over small repositories with a planted slowdown; the trials are made up."""

from __future__ import annotations

import argparse
import json
import math
import pathlib
import subprocess
from collections.abc import Callable

import pytest
from faultline_reports.errors import UserError
from faultline_reports.gate import sources
from faultline_reports.gate.decision import Answer, Outcome, Question, Rule, Tier
from faultline_reports.gate.policy import Policy
from faultline_reports.gate.result import NO_TIME, Row, Verdict
from faultline_reports.gate.stages import Judged
from faultline_reports.history import bisect
from faultline_reports.metrics import kernel_count
from faultline_reports.statistics.verdict import Scale

Fake = Callable[..., None]
BUILD = "cp source made.so"


class Repository:
    def __init__(self, top: pathlib.Path) -> None:
        self.top = top
        top.mkdir()
        self("init", "-q", "-b", "main")
        self.commits: list[str] = []

    def __call__(self, *arguments: str) -> str:
        identity = ["-c", "user.name=A U Thor", "-c", "user.email=a@b"]
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.top, check=True, capture_output=True, text=True
        )
        return done.stdout

    def commit(self, source: str, subject: str = "") -> str:
        (self.top / "source").write_text(source)
        self("add", "source")
        self("commit", "-q", "--allow-empty", "-m", subject or source)
        self.commits.append(self("rev-parse", "HEAD").strip())
        return self.commits[-1]

    def state(self) -> list[str]:
        words = (
            "status --porcelain",
            "for-each-ref",
            "rev-parse HEAD",
            "worktree list",
            "stash list",
            "reflog",
        )
        return [self(*word.split()) for word in words]


@pytest.fixture
def repository(fake_faultline: Fake, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = Repository(tmp_path / "project")
    (tmp_path / "project/.git/info/exclude").write_text("gate.toml\n")
    (tmp_path / "project/gate.toml").write_text('budget = "10h"\nrounds = 12\nconfirm_rounds = 16\n')
    monkeypatch.chdir(made.top)
    for number in range(10):
        made.commit(f"version {number}")
    return made


def slow_from(repository: Repository, first: int, cpu: float = 1.2) -> dict[str, list[float]]:
    return {commit[:12]: [cpu, 1.0, 1.0] for commit in repository.commits[first:]}


def bisected(
    repository: Repository, capsys: pytest.CaptureFixture[str], *more: str, build: str = BUILD
) -> tuple[int, dict]:
    ends = ["--good", repository.commits[0], "--bad", "main", "--build", build, "--library", "made.so"]
    status = bisect.run([*ends, "--seed", "5", "-q", "--json", *more])
    value: dict = json.loads(capsys.readouterr().out)
    return status, value


@pytest.mark.parametrize("first", [1, 6, 9])
def test_the_first_slow_commit_is_found(
    repository: Repository, fake_faultline: Fake, capsys: pytest.CaptureFixture[str], first: int
) -> None:
    (repository.top / "untracked").write_text("mine")
    before = repository.state()
    fake_faultline(effects=slow_from(repository, first))
    status, value = bisected(repository, capsys)
    assert status == 0 and value["found"] == [repository.commits[first]]
    assert len(value["steps"]) <= 4
    assert {row["metric"] for row in value["worse"]} == {"cpu_ns_per_operation"}
    assert repository.state() == before


def test_what_does_not_build_is_skipped_and_said(
    repository: Repository, fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    before = repository.state()
    fake_faultline(effects=slow_from(repository, 5))
    build = "case $(cat source) in *4|*5) echo no luck; exit 3;; esac; cp source made.so"
    status, value = bisected(repository, capsys, build=build)
    assert status == 2
    assert set(value["found"]) == set(repository.commits[4:7])
    skipped = [step for step in value["steps"] if step["answer"] == "skipped"]
    assert len(skipped) == 2 and all("no luck" in step["why"] for step in skipped)
    assert repository.state() == before


def test_skipped_commits_elsewhere_do_not_matter(
    repository: Repository, fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_faultline(effects=slow_from(repository, 7))
    build = "case $(cat source) in *5|*4) exit 3;; esac; cp source made.so"
    status, value = bisected(repository, capsys, build=build)
    assert (status, value["found"]) == (0, [repository.commits[7]])


def test_a_slowdown_on_a_branch_that_was_merged(
    repository: Repository, fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    repository("checkout", "-q", "-b", "side", repository.commits[3])
    (repository.top / "other").write_text("x")
    repository("add", "other")
    repository("commit", "-q", "-m", "on the side")
    side = repository("rev-parse", "HEAD").strip()
    (repository.top / "other").write_text("y")
    repository("commit", "-q", "-a", "-m", "and more")
    after = repository("rev-parse", "HEAD").strip()
    repository("checkout", "-q", "main")
    repository("merge", "-q", "--no-ff", "-m", "merged", "side")
    merge = repository("rev-parse", "HEAD").strip()
    fake_faultline(effects={commit[:12]: [1.2, 1.0, 1.0] for commit in (side, after, merge)})
    build = "cat source other > made.so 2>/dev/null; true"
    status, value = bisected(repository, capsys, build=build)
    assert (status, value["found"]) == (0, [side])


def test_the_same_library_is_not_measured_again(
    repository: Repository, fake_faultline: Fake, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    fake_faultline(effects=slow_from(repository, 5), log=str(tmp_path / "log"))
    build = "[ $(cut -d' ' -f2 source) -ge 5 ] && echo slow > made.so || echo fast > made.so"
    status, value = bisected(repository, capsys, build=build)
    assert (status, value["found"]) == (0, [repository.commits[5]])
    assert all(step["why"].startswith("the same library") for step in value["steps"])
    measured = {line.split("=")[1].split("/")[-2] for line in (tmp_path / "log").read_text().splitlines()}
    assert measured == {repository.commits[0]}


def test_a_bad_commit_that_is_not_worse(
    repository: Repository, fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    status, value = bisected(repository, capsys)
    assert (status, value["found"], value["verdict"]) == (1, [], "pass")


def test_a_commit_that_cannot_be_told_is_skipped(
    repository: Repository, fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_faultline(effects=slow_from(repository, 5), invalid={repository.commits[5][:12]: "crashed"})
    status, value = bisected(repository, capsys)
    assert status == 2 and set(value["found"]) == {repository.commits[5], repository.commits[6]}
    assert [s["answer"] for s in value["steps"] if s["commit"] == repository.commits[5]] == ["skipped"]


def test_what_was_not_measured_is_not_told_good(
    repository: Repository, fake_faultline: Fake, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    """A gate passes without a count that it had no time for; a bisection for that count must not go by it."""
    key = ("pair:size=64", "kernel.mmap_calls")
    options = argparse.Namespace(words=["x"], run_option=[], quiet=True, build=BUILD, library="made.so")
    sought = bisect.Bisection(options, Policy(), str(tmp_path), repository.commits[0], 5, {key})
    answer = Answer(Outcome.NOT_MEASURED, 0.0, math.nan, math.nan, math.nan, 3)
    question = Question(Rule(Tier.COUNT, 0.005), Scale.RATIO, 1.0, {})
    for place, told in ((key, Verdict.INCONCLUSIVE), (("other", key[1]), Verdict.PASS)):
        row = Row(place[0], kernel_count(key[1]), question, 1.0, answer, NO_TIME, None)
        monkeypatch.setattr(bisect, "judge", lambda *_: Judged([row], Verdict.PASS, [], 30, 0, None))
        monkeypatch.setattr(sources.Measured, "uncounted", False)
        assert sought.gate(repository.commits[1], 10.0, 0)[0] is told
    monkeypatch.setattr(sources.Measured, "uncounted", True)
    assert sought.gate(repository.commits[1], 10.0, 0)[0] is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--good", "main", "--bad", "main~3"], "is not an earlier commit"),
        (["--good", "main", "--bad", "main"], "is not an earlier commit"),
        (["--good", "nothing", "--bad", "main"], "is not a revision here"),
        (["--good", "main~2", "--bad", "main", "--library", "/x.so"], "is not inside a checkout"),
        (["--good", "main~2", "--bad", "main", "--metric", "speed"], "is not one"),
        (["--good", "main~2", "--bad", "main", "--build", "exit 4"], "ended with status 4"),
        (["--good", "main~2", "--bad", "main", "--build", "true"], "made no made.so"),
    ],
)
def test_wrong_words_are_one_line(repository: Repository, arguments: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        bisect.run(["--build", BUILD, "--library", "made.so", *arguments, "-q"])


def test_what_cannot_be_run_is_refused_before_a_build(repository: Repository, fake_faultline: Fake) -> None:
    fake_faultline(complaint="quikc is no suite")
    ends = [
        "--good",
        "main~2",
        "--bad",
        "main",
        "--build",
        f"touch {repository.top.parent}/built",
        "--library",
        "made.so",
    ]
    with pytest.raises(UserError, match="quikc is no suite"):
        bisect.run([*ends, "-q", "quikc"])
    assert not list(repository.top.parent.rglob("built"))


def test_outside_a_repository(
    fake_faultline: Fake, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(UserError, match="not a git repository"):
        bisect.run(["--good", "a", "--bad", "b", "--build", BUILD, "--library", "made.so"])


def test_a_library_that_cannot_be_run_is_skipped(
    repository: Repository, fake_faultline: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_faultline(effects=slow_from(repository, 7))
    _, value = bisected(repository, capsys)
    commit = value["steps"][0]["commit"][:12]  # the middle one; git draws by hash between two that are
    fake_faultline(effects=slow_from(repository, 7), refused=commit)
    status, value = bisected(repository, capsys)
    assert (status, value["found"]) == (0, [repository.commits[7]])
    assert [s["why"] for s in value["steps"] if s["answer"] == "skipped"] == [f"{commit} exports nothing"]
