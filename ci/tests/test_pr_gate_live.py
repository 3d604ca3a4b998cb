"""ci/pr-gate with the real gate: a planted slowdown fails, a change without effect does not."""

import os
import subprocess
from pathlib import Path

import small_project

CI = Path(__file__).resolve().parent.parent


def gate(tmp_path: Path, before: int, after: int) -> tuple[int, str]:
    project = small_project.make(tmp_path / "project", before, after)
    done = subprocess.run(
        [
            *(str(CI / "pr-gate"), "--faultline", os.environ["FAULTLINE"], "--library", "libmine.so"),
            *("--build", small_project.BUILD, "--suite", "pair:size=64", "--budget", "90s"),
        ],
        cwd=project,
        capture_output=True,
        text=True,
    )
    summary = project / "out/gate/summary.md"
    assert summary.exists(), done.stderr
    return done.returncode, summary.read_text()


def test_a_planted_slowdown_fails(tmp_path: Path) -> None:
    status, summary = gate(tmp_path, 1, 20)
    assert status == 1, summary
    assert "pair:size=64" in summary


def test_a_change_without_effect_does_not_fail(tmp_path: Path) -> None:
    status, summary = gate(tmp_path, 5, 5)
    assert status in (0, 2), summary
