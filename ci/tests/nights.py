"""What the tests of ci/nightly share: a night, and what it left."""

import json
import os
import subprocess
from pathlib import Path

import small_project

CI = Path(__file__).resolve().parent.parent
BRANCH = "faultline-history"


def nightly(
    project: Path, program: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    gone = ("GITHUB_", "FAULTLINE_HISTORY", "GIT_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(gone)}
    usual = ["--library", "libmine.so", "--build", small_project.BUILD]
    return subprocess.run(
        [str(CI / "nightly"), "--faultline", str(program), *usual, *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        env={**kept, **environment},
    )


def committed(project: Path, path: str, place: Path) -> Path:
    """A file of the history's branch."""
    place.write_bytes(
        subprocess.run(
            ["git", "-C", str(project), "show", f"{BRANCH}:{path}"], check=True, capture_output=True
        ).stdout
    )
    return place


def runs(history: Path) -> list[dict[str, object]]:
    done = subprocess.run(
        [os.environ["FAULTLINE"], "history", "runs", "--json", "--db", str(history)],
        check=True,
        capture_output=True,
        text=True,
    )
    return list(json.loads(done.stdout)["runs"])
