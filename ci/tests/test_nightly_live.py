"""ci/nightly with the real program and a planted slowdown.

It fails against the last night's revision the first time that it is measured, and is a change point of the history when
there are nights enough."""

import json
import os
from pathlib import Path

import small_project
from nights import BRANCH, committed, nightly, runs

BEFORE, AFTER = 8, 6


def test_a_planted_slowdown_is_found(tmp_path: Path) -> None:
    project = small_project.make(tmp_path / "project", 1, 100)
    suite = ("--suite", "glibc-simple:operations=100000", "--rounds", "5")
    options = (*suite, "--commit", "--keep", "3", "--fail-on-change", "7")
    for night in range(BEFORE + AFTER):
        revision = "main" if night < BEFORE else "change"
        gate = ("--since-last", "2m") if night == BEFORE else ()
        done = nightly(project, Path(os.environ["FAULTLINE"]), *options, "--revision", revision, *gate)
        assert done.returncode in (0, 1), done.stderr
        summary = (project / "out/nightly/summary.md").read_text()
        if night < BEFORE:
            assert done.returncode == 0, summary
        if night == BEFORE:
            assert done.returncode == 1 and "Since the last night" in summary, summary
    assert done.returncode == 1, summary
    changes = json.loads((project / "out/nightly/changes.json").read_text())["changes"]
    # At these few nights chance may hide it from one of the metrics of time, not from all of them.
    times = [change for change in changes if change["allocator"] == "mine" and "_ns" in change["metric"]]
    assert times, summary
    for change in times:
        assert change["revision"] == small_project.git(project, "rev-parse", "change")
        assert change["previous_revision"] == small_project.git(project, "rev-parse", "main")
        assert change["word"] == "slower" and change["runs_since"] == AFTER
    site = project / "out/nightly/site"
    assert "(slower)" in (site / "index.html").read_text() and "(slower)" in (site / "feed.xml").read_text()
    assert "slower" in summary
    assert len(list((site / "runs").iterdir())) == 3
    assert len(runs(committed(project, "history.sqlite", tmp_path / "history.sqlite"))) == BEFORE + AFTER
    assert small_project.git(project, "rev-list", "--count", BRANCH) == str(BEFORE + AFTER)
