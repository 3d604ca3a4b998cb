"""ci/own-gate in a clone of this project: a longer fast path of slabuddy fails, a change of a text does not."""

import shutil
import subprocess
from pathlib import Path

import pytest
import small_project

ROOT = Path(__file__).resolve().parents[2]
FAST_PATH = ROOT / "allocators/family/malloc_family.inl"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    if shutil.which("valgrind") is None:
        pytest.skip("valgrind is not installed")
    folder = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    subprocess.run(["cp", "-r", str(ROOT / "ci"), str(folder)], check=True)  # as it is here, committed or not
    small_project.git(folder, "add", "ci")
    small_project.git(folder, "commit", "-q", "--allow-empty", "-m", "Take the gate as it is")
    (folder / "build").mkdir()
    (folder / "build/release").symlink_to(ROOT / "build/release")
    return folder


def gate(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ci/own-gate", *arguments], cwd=clone, capture_output=True, text=True)


def test_a_longer_fast_path_fails(clone: Path) -> None:
    path = clone / FAST_PATH.relative_to(ROOT)
    text = path.read_text()
    begin = "FAMILY_EXPORT void* malloc(size_t size) {\n"
    assert begin in text
    dawdle = "    for (volatile int turn = 4; turn > 0;) {\n        const int left = turn - 1;\n"
    dawdle += "        turn = left;\n    }\n"
    path.write_text(text.replace(begin, begin + dawdle))
    small_project.git(clone, "commit", "-q", "-a", "-m", "Dawdle")
    done = gate(clone)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "there is no release yet" in done.stdout or "against the last release" in done.stdout
    assert "Instructions" in (clone / "out/own-gate/summary.md").read_text()


def test_a_changed_text_passes_against_the_last_release(clone: Path) -> None:
    small_project.git(clone, "tag", "v9.8.7")
    (clone / "README.md").write_text("Shorter\n")
    small_project.git(clone, "commit", "-q", "-a", "-m", "Say less")
    done = gate(clone)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "against the last release, v9.8.7" in done.stdout
    assert gate(clone, "--colour").returncode == 64
