"""What ci/own-gate compares with, and when there is nothing to compare: told in one line, measured by a made-up gate."""

import shutil
import subprocess
from pathlib import Path

import pytest
import small_project

CI = Path(__file__).resolve().parents[1]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that has ci/own-gate and two commits, on the branch main; its pr-gate says what it was called for."""
    folder = tmp_path / "project"
    (folder / "ci").mkdir(parents=True)
    for name in ("own-gate", "own-gate.toml", "own-build.sh"):
        shutil.copy(CI / name, folder / "ci" / name)
    gate = folder / "ci/pr-gate"
    gate.write_text(
        '#!/bin/bash\necho "gated $2 $(git rev-parse HEAD) $(cat slabuddy.cpp)"\nexit "${GATE:-0}"\n'
    )
    gate.chmod(0o755)
    small_project.git(folder, "init", "-q", "-b", "main")
    for text in ("one", "two"):
        commit(folder, "slabuddy.cpp", text)
    return folder


def commit(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    small_project.git(folder, "add", "-A")
    small_project.git(folder, "commit", "-q", "-m", f"Write {text}")
    return small_project.git(folder, "rev-parse", "HEAD")


def own_gate(folder: Path, *arguments: str) -> list[str]:
    """The lines it said. That of the made-up gate: `gated BASE HEAD TEXT`."""
    done = subprocess.run(["ci/own-gate", *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == "" and len(small_project.git(folder, "worktree", "list").splitlines()) == 1
    return done.stdout.splitlines()


def revision(folder: Path, name: str) -> str:
    return small_project.git(folder, "rev-parse", name)


needs_valgrind = pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")


@needs_valgrind
def test_without_a_release_it_is_the_commit_before(project: Path) -> None:
    said, gated = own_gate(project)
    assert said == "own-gate: there is no release yet; against the commit before this"
    assert gated == f"gated {revision(project, 'HEAD~1')} {revision(project, 'HEAD')} two"


@needs_valgrind
def test_the_last_release_comes_first_but_not_the_one_that_is_made(project: Path) -> None:
    small_project.git(project, "tag", "v1.0.0", "HEAD~1")
    small_project.git(project, "tag", "v1.1.0")
    said, gated = own_gate(project)
    assert said == "own-gate: against the last release, v1.0.0"
    assert gated.startswith("gated v1.0.0 ")
    commit(project, "slabuddy.cpp", "three")
    assert own_gate(project)[0] == "own-gate: against the last release, v1.1.0"


@needs_valgrind
def test_what_is_not_committed_is_gated_and_stays_as_it_is(project: Path) -> None:
    (project / "slabuddy.cpp").write_text("dirty")
    (project / "new.cpp").write_text("new")
    before = small_project.git(project, "status", "--porcelain")
    said, _, gated = own_gate(project)
    assert said == "own-gate: with what is not committed"
    assert gated.startswith(f"gated {revision(project, 'HEAD')} ") and gated.endswith(" dirty")
    assert gated.split()[2] != revision(project, "HEAD")
    assert small_project.git(project, "status", "--porcelain") == before


def test_a_change_of_other_parts_passes_unmeasured(project: Path) -> None:
    commit(project, "reports/page.py", "three")
    last = own_gate(project)[-1]
    assert last.startswith("own-gate: passed: nothing that slabuddy is built from has changed since ")
    (project / "harness").mkdir()
    (project / "harness/run.cpp").write_text("four")
    assert (
        own_gate(project)[-1]
        == f"{last[: last.index('since')]}since {small_project.git(project, 'log', '-1', '--format=%h %s')}"
    )


@needs_valgrind
def test_a_folder_that_is_new_is_measured(project: Path) -> None:
    commit(project, "elsewhere/slab.cpp", "three")
    assert own_gate(project)[-1].startswith("gated ")


@pytest.mark.parametrize("tree", ["shallow", "first", "archive", "inside"])
def test_without_anything_earlier_it_passes_with_one_line(project: Path, tmp_path: Path, tree: str) -> None:
    folder = tmp_path / tree
    if tree == "shallow":
        small_project.git(tmp_path, "clone", "-q", "--depth=1", f"file://{project}", str(folder))
    else:
        shutil.copytree(project, folder)
        shutil.rmtree(folder / ".git")
        if tree == "first":
            small_project.git(folder, "init", "-q")
            commit(folder, "slabuddy.cpp", "alone")
        elif tree == "inside":  # of another project, whose history is none of its
            small_project.git(tmp_path, "init", "-q")
            commit(tmp_path, "README", "another")
    done = subprocess.run(["ci/own-gate"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert len(done.stdout.splitlines()) == 1 and done.stdout.startswith("own-gate: passed: "), done.stdout


@needs_valgrind
@pytest.mark.parametrize(("gate", "status"), [(0, 0), (1, 1), (2, 0), (3, 3), (70, 70)])
def test_continuous_integration_fails_for_a_regression_only_or_where_it_cannot_tell(
    project: Path, gate: int, status: int
) -> None:
    (project / ".ci").mkdir()
    shutil.copy(CI.parent / ".ci/run", project / ".ci/run")
    (project / "ci/test").write_text("#!/bin/sh\necho tested\n")
    (project / "ci/test").chmod(0o755)
    commit(project, "slabuddy.cpp", "three")
    done = subprocess.run(
        [".ci/run"],
        cwd=project,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "GATE": str(gate)},
    )
    assert done.returncode == status, done.stderr
    assert done.stdout.startswith("tested\n") and "gated " in done.stdout
