"""ci/pr-gate with the real gate: a planted slowdown fails, a change without effect does not."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import small_project

CI = Path(__file__).resolve().parent.parent


def gate(tmp_path: Path, before: int, after: int) -> tuple[int, str, list[dict[str, Any]]]:
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
    rows: list[dict[str, Any]] = json.loads((project / "out/gate/gate.json").read_text())["rows"]
    return done.returncode, summary.read_text(), rows


def test_a_planted_slowdown_fails(tmp_path: Path) -> None:
    status, summary, rows = gate(tmp_path, 1, 20)
    assert status == 1, summary
    assert "pair:size=64" in summary
    # Both are builds of one library, and told for such.
    counted = {row["outcome"] for row in rows if row["metric"] == "instructions"}
    assert counted == {"regression" if shutil.which("valgrind") else "not measured"}


def test_a_change_without_effect_does_not_fail(tmp_path: Path) -> None:
    status, summary, _ = gate(tmp_path, 5, 5)
    assert status in (0, 2), summary
