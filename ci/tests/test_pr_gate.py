"""ci/pr-gate and the action that calls it, with a program in faultline's place that writes down how it was called."""

import os
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
import small_project
import yaml

CI = Path(__file__).resolve().parent.parent
ACTION = CI / "github" / "action.yml"


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A faultline whose gate ends with $STATUS, writes a summary and keeps the arguments in `called`."""
    program = tmp_path / "faultline"
    program.write_text(
        f"""#!/bin/bash
case " $* " in *" --check "*) printf '%s\\n' "$@" >{tmp_path}/checked; exit "${{CHECK:-0}}" ;; esac
printf '%s\\n' "$@" >{tmp_path}/called
for argument in "$@"; do
    case $argument in base=* | head=*) sha256sum "${{argument#*=}}" >>{tmp_path}/libraries ;; esac
done
while [ $# -gt 0 ]; do
    [ "$1" != --markdown ] || echo "the summary" >"$2"
    shift
done
exit "${{STATUS:-0}}"
"""
    )
    program.chmod(0o755)
    return program


def pr_gate(
    project: Path, program: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")}
    return subprocess.run(
        [str(CI / "pr-gate"), "--faultline", str(program), *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        env={**kept, **environment},
    )


def usual(project: Path, program: Path, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return pr_gate(
        project, program, "--library", "libmine.so", "--build", small_project.BUILD, *more, **environment
    )


@pytest.mark.parametrize("status", [0, 1, 2, 3])
def test_builds_both_sides_and_answers_as_the_gate(tmp_path: Path, stand_in: Path, status: int) -> None:
    project = small_project.make(tmp_path / "project", 1, 50)
    done = usual(project, stand_in, "--suite", "larson2 pair:size=64", "--budget", "3m", STATUS=str(status))
    assert done.returncode == status, done.stderr
    called = (tmp_path / "called").read_text().splitlines()
    assert called[0] == "gate"
    assert called[3:5] == ["larson2", "pair:size=64"]
    assert called[called.index("--budget") + 1] == "3m"
    assert "--annotations" not in called
    sums = {line.split()[0] for line in (tmp_path / "libraries").read_text().splitlines()}
    assert len(sums) == 2, "two different libraries are compared"
    assert (project / "out/gate/summary.md").read_text() == "the summary\n"
    # The checkout is as it was.
    assert small_project.git(project, "worktree", "list").count("\n") == 0
    assert small_project.git(project, "branch", "--show-current") == "change"


def test_compares_with_where_the_branch_began(tmp_path: Path, stand_in: Path) -> None:
    project = small_project.make(tmp_path / "project", 1, 50)
    small_project.git(project, "checkout", "-q", "main")
    (project / "mine.c").write_text("#error main went on, and is not what the branch is measured against\n")
    small_project.git(project, "commit", "-q", "-a", "-m", "Go on")
    small_project.git(project, "checkout", "-q", "change")
    assert usual(project, stand_in, "--base", "main").returncode == 0


def test_one_commit_builds_to_the_same_library_twice(tmp_path: Path, stand_in: Path) -> None:
    project = small_project.make(tmp_path / "project", 1, 50)
    assert usual(project, stand_in, "--base", "HEAD").returncode == 0
    sums = {line.split()[0] for line in (tmp_path / "libraries").read_text().splitlines()}
    assert len(sums) == 1


def test_policy_of_the_branch_is_found(tmp_path: Path, stand_in: Path) -> None:
    project = small_project.make(tmp_path / "project", 1, 50)
    (project / "gate.toml").write_text('budget = "1m"\n')
    small_project.git(project, "add", "-A")
    small_project.git(project, "commit", "-q", "-m", "Set a budget")
    assert usual(project, stand_in).returncode == 0
    called = (tmp_path / "called").read_text().splitlines()
    assert called[called.index("--policy") + 1].endswith("gate.toml")


def test_what_cannot_be_gated_is_refused_before_a_build(tmp_path: Path, stand_in: Path) -> None:
    project = small_project.make(tmp_path / "project", 1, 50)
    (project / "gate.toml").write_text("budgt = 1\n")
    small_project.git(project, "add", "-A")
    small_project.git(project, "commit", "-q", "-m", "Set a budget")
    done = usual(project, stand_in, "--suite", "quikc", "--budget", "3m", CHECK="64")
    assert done.returncode == 64
    assert "building" not in done.stdout and not list((project / "out").rglob("build-*"))
    checked = (tmp_path / "checked").read_text().splitlines()
    assert checked[:4] == ["gate", "system", "system", "quikc"] and "3m" in checked
    assert checked[checked.index("--policy") + 1].endswith("gate.toml")
    assert not (tmp_path / "called").exists()


def test_bad_input_is_one_line(tmp_path: Path, stand_in: Path) -> None:
    project = small_project.make(tmp_path / "project", 1, 50, broken=True)
    for arguments, status, says in (
        ((), 64, "--library is missing"),
        (("--library",), 64, "needs a value"),
        (("--colour", "red"), 64, "unknown argument --colour"),
        (("--library", "libmine.so", "--base", "nowhere"), 64, "no revision nowhere"),
        (("--library", "libmine.so", "--policy", "absent.toml"), 66, "policy file"),
        (("--library", "libother.so", "--build", small_project.BUILD), 70, "made no libother.so"),
    ):
        done = pr_gate(project, stand_in, *arguments)
        assert done.returncode == status, (arguments, done.stderr)
        assert says in done.stderr
        assert len(done.stderr.splitlines()) == 1
    small_project.git(project, "checkout", "-q", "main")
    done = usual(project, stand_in)
    assert (done.returncode, "nothing to compare" in done.stderr) == (64, True), done.stderr
    small_project.git(project, "checkout", "-q", "change")
    assert not (tmp_path / "called").exists()


def test_a_build_that_fails_is_told_like_a_verdict(tmp_path: Path, stand_in: Path) -> None:
    project = small_project.make(tmp_path / "project", 1, 50, broken=True)
    (project / "out/gate").mkdir(parents=True)
    (project / "out/gate/gate.json").write_text("{} of an earlier gate")
    done = usual(project, stand_in, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(tmp_path / "step"))
    assert done.returncode == 70
    assert "the build of head failed" in done.stderr.splitlines()[-1]
    assert "::error" in done.stdout
    summary = (project / "out/gate/summary.md").read_text()
    assert "COULD NOT TELL" in summary and "#error planted" in summary
    assert (tmp_path / "step").read_text() == summary
    told = ElementTree.parse(project / "out/gate/junit.xml").getroot()
    assert told.find("testsuite/testcase/error") is not None
    assert not (project / "out/gate/gate.json").exists()
    assert (project / "out/gate/build-head.log").exists()
    assert pr_gate(tmp_path, stand_in, "--library", "x.so").returncode == 64
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize(
    ("status", "verdict", "ends"),
    [(0, "pass", 0), (1, "regression", 1), (2, "inconclusive", 0), (3, "could not tell", 3)],
)
def test_action_runs_the_gate(tmp_path: Path, stand_in: Path, status: int, verdict: str, ends: int) -> None:
    project = small_project.make(tmp_path / "project", 1, 50)
    action = yaml.safe_load(ACTION.read_text())
    given = {"library": "libmine.so", "build": small_project.BUILD, "base": "main"}
    inputs = {name: given.get(name, field.get("default", "")) for name, field in action["inputs"].items()}
    (step,) = [step for step in action["runs"]["steps"] if step.get("id") == "gate"]
    values = {
        name: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda match: inputs[match[1]], value)
        for name, value in step["env"].items()
    }
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=project,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            **values,
            "PATH": f"{stand_in.parent}:{os.environ['PATH']}",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ACTION.parent),
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "step_summary"),
            "RUNNER_TEMP": str(tmp_path),
            "STATUS": str(status),
        },
    )
    assert done.returncode == ends, done.stderr
    assert (tmp_path / "output").read_text() == f"verdict={verdict}\n"
    assert (tmp_path / "step_summary").read_text() == "the summary\n"
    assert "--annotations" in (tmp_path / "called").read_text().splitlines()
