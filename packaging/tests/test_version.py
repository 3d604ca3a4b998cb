"""The version is the release's where its tag is, and says how far from it a commit is everywhere else."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = f"""cmake_minimum_required(VERSION 3.22)
project(made_up VERSION 1.2.0 LANGUAGES NONE)
include("{ROOT}/cmake/Version.cmake")
file(WRITE "${{CMAKE_BINARY_DIR}}/version" "${{FAULTLINE_VERSION}}")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "CMakeLists.txt").write_text(PROJECT)
    return folder


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A Maintainer", "-c", "user.email=maintainer@example.org"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(folder: Path) -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "A commit")
    return git(folder, "rev-parse", "--short=12", "HEAD")


def configured(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["cmake", "-S", str(folder), "-B", str(folder.parent / "build")], capture_output=True, text=True
    )


def version(folder: Path) -> str:
    done = configured(folder)
    assert done.returncode == 0, done.stderr
    return (folder.parent / "build/version").read_text()


def before(one: str, other: str) -> bool:
    return subprocess.run(["dpkg", "--compare-versions", one, "lt", other]).returncode == 0


def test_before_at_and_after_a_release(project: Path) -> None:
    assert version(project) == "1.2.0", "an unpacked archive"
    git(project, "init", "-q", "-b", "main")
    first = commit(project)
    early = version(project)
    assert early == f"1.2.0~g{first}"
    git(project, "tag", "-a", "-m", "A release", "v1.2.0")
    assert version(project) == "1.2.0"
    commit(project)
    third = commit(project)
    later = version(project)
    assert later == f"1.2.0+2.g{third}"
    assert before(early, "1.2.0") and before("1.2.0", later) and before(later, "1.3.0~g0123456789ab")
    assert all(re.fullmatch(r"[0-9a-z.+~]+", name) for name in (early, later)), "as Debian takes it"


def test_a_tag_of_another_release_is_refused(project: Path) -> None:
    git(project, "init", "-q", "-b", "main")
    commit(project)
    git(project, "tag", "v1.3.0")
    done = configured(project)
    assert done.returncode != 0 and "tagged v1.3.0" in done.stderr and "says 1.2.0" in done.stderr
    git(project, "tag", "v1.2.0")
    assert version(project) == "1.2.0"
