"""What ci/README.md says of the scripts that people call: that they have --help; what a night costs."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

CI = Path(__file__).resolve().parent.parent
FAULTLINE = os.environ.get("FAULTLINE", str(CI.parent / "build/release/bin/faultline"))
SCRIPTS = sorted(path.name for path in CI.iterdir() if path.is_file() and os.access(path, os.X_OK))


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(CI / script), *arguments], capture_output=True, text=True, timeout=60)


def test_the_readme_has_every_script() -> None:
    told = set(re.findall(r"`([a-z-]+)[ `]", (CI / "README.md").read_text()))
    assert set(SCRIPTS) - {"revisions.sh", "own-build.sh"} <= told


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_says_what_it_does(script: str) -> None:
    done = run(script, "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert re.match(r"[A-Z].*", done.stdout) and f"{script} " in done.stdout, done.stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_unknown_option_is_refused_in_a_line(script: str) -> None:
    done = run(script, "--colour")
    assert done.returncode == 64 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "--colour" in done.stderr


def test_a_group_of_packages_that_is_not_there_is_refused() -> None:
    done = run("install", "build", "buidl")
    assert done.returncode == 64 and "no group buidl" in done.stderr


def test_what_the_night_costs_is_as_it_is_told() -> None:
    listed = subprocess.run(
        [FAULTLINE, "list", "suites", "--json"], check=True, capture_output=True, text=True
    )
    (night,) = [suite for suite in json.loads(listed.stdout) if suite["name"] == "nightly"]
    cost = f"{night['rows']} workloads, {night['rounds']} rounds, {night['trials']:,} trials"
    assert cost in (CI / "GATE.md").read_text()
