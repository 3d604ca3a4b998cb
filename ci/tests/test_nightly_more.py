"""ci/nightly over more nights: what its branch keeps, the gate since the last night, what went wrong."""

from pathlib import Path

import small_project
from nights import BRANCH, nightly


def test_nothing_is_committed_unasked(tmp_path: Path, made_up: Path) -> None:
    project = small_project.make(tmp_path / "project", 1, 50)
    before = small_project.git(project, "for-each-ref")
    assert nightly(project, made_up, NIGHT="1").returncode == 0
    assert small_project.git(project, "for-each-ref") == before
    assert (project / "out/nightly/site/index.html").exists()


def test_other_files_of_the_branch_stay(tmp_path: Path, made_up: Path) -> None:
    project = small_project.make(tmp_path / "project", 1, 50)
    assert nightly(project, made_up, "--commit", NIGHT="1").returncode == 0
    small_project.git(project, "checkout", "-q", BRANCH)
    (project / "README").write_text("What this branch is for\n")
    small_project.git(project, "add", "README")
    small_project.git(project, "commit", "-q", "-m", "Say what it is")
    checked_out = nightly(project, made_up, "--commit", "--revision", "change", NIGHT="2")
    assert checked_out.returncode == 64 and "is checked out" in checked_out.stderr
    small_project.git(project, "checkout", "-q", "change")
    assert nightly(project, made_up, "--commit", NIGHT="2").returncode == 0
    assert "README" in small_project.git(project, "ls-tree", "--name-only", BRANCH).splitlines()


def test_the_gate_since_the_last_night(tmp_path: Path, made_up: Path) -> None:
    project = small_project.make(tmp_path / "project", 1, 50)
    options = ("--commit", "--since-last", "2m", "--suite", "larson2")
    nights = (("main", "0", 0), ("change", "1", 1), ("main", "2", 0), ("change", "0", 0), ("change", "1", 0))
    said = ("this is the first night", ": regression", ": inconclusive", ": pass", "no new revision")
    for night, (revision, status, ends) in enumerate(nights, 1):
        done = nightly(project, made_up, *options, "--revision", revision, NIGHT=str(night), GATE=status)
        assert done.returncode == ends, done.stderr
        # The first night has none before it, the last no new commit.
        gated = "the gate" in (project / "out/nightly/summary.md").read_text()
        assert gated == (night in (2, 3, 4)), night
        assert said[night - 1] in done.stdout
    gates = [line for line in (tmp_path / "called").read_text().splitlines() if line.startswith("gate")]
    words = gates[0].split()
    assert len(gates) == 3
    assert words[1].startswith("last=") and words[2].startswith("mine=") and words[3] == "larson2"
    assert small_project.git(project, "rev-list", "--count", BRANCH) == "5"


def test_a_gate_that_cannot_tell_is_no_success(tmp_path: Path, made_up: Path) -> None:
    project = small_project.make(tmp_path / "project", 1, 50)
    nights = (("main", "0", 0), ("change", "3", 3), ("main", "69", 3), ("change", "0", 0))
    for night, (revision, status, ends) in enumerate(nights, 1):
        options = ("--commit", "--since-last", "2m", "--revision", revision)
        done = nightly(project, made_up, *options, NIGHT=str(night), GATE=status)
        assert done.returncode == ends, done.stderr
        assert (ends == 3) == ("could not tell" in (project / "out/nightly/summary.md").read_text())
        assert small_project.git(project, "rev-list", "--count", BRANCH) == str(night), "the night is kept"


def test_a_night_before_that_builds_no_longer_is_told_once(tmp_path: Path, made_up: Path) -> None:
    project = small_project.make(tmp_path / "project", 1, 50, broken=True)
    options = ("--commit", "--since-last", "2m")
    built = ("--build", f"sed -i /#error/d mine.c && {small_project.BUILD}")  # as by a compiler that takes it
    assert nightly(project, made_up, *options, *built, "--revision", "change", NIGHT="1").returncode == 0
    done = nightly(project, made_up, *options, "--revision", "main", NIGHT="2")
    assert done.returncode == 3 and "the build of last failed" in done.stderr
    assert "could not be compared" in (project / "out/nightly/summary.md").read_text()
    assert small_project.git(project, "rev-list", "--count", BRANCH) == "2"
    (project / "mine.c").write_text((project / "mine.c").read_text().replace("#error planted\n", ""))
    small_project.git(project, "commit", "-q", "-a", "-m", "Mend it")
    assert nightly(project, made_up, *options, NIGHT="3").returncode == 0


def test_invalid_trials_are_said_and_the_night_is_kept(tmp_path: Path, made_up: Path) -> None:
    project = small_project.make(tmp_path / "project", 1, 50)
    assert nightly(project, made_up, "--commit", NIGHT="1", STATUS="76").returncode == 76
    assert small_project.git(project, "rev-list", "--count", BRANCH) == "1"
    broken = nightly(project, made_up, "--commit", NIGHT="2", STATUS="70")
    assert broken.returncode == 70 and "the history stays as it was" in broken.stderr
    assert small_project.git(project, "rev-list", "--count", BRANCH) == "1"


def test_branches_that_went_apart_are_refused(tmp_path: Path, made_up: Path) -> None:
    project = small_project.make(tmp_path / "project", 1, 50)
    assert nightly(project, made_up, "--commit", NIGHT="1").returncode == 0
    small_project.git(project, "update-ref", f"refs/remotes/origin/{BRANCH}", "change")
    done = nightly(project, made_up, "--commit", NIGHT="3")
    assert done.returncode == 65 and "went apart" in done.stderr
