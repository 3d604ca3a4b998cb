"""The template that runs a plan on several runners: its lines, run as a runner runs them, make one result."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
FAULTLINE = Path(os.environ.get("FAULTLINE", ROOT / "build/release/bin/faultline"))
WORKFLOW = yaml.safe_load((ROOT / "ci/templates/github-shards.yml").read_text())
BUILD, SHARD, MERGE = (WORKFLOW["jobs"][name] for name in ("build", "shard", "merge"))
PLAN = "pair:size=64,operations=200000 glibc-simple -a system,slabuddy --rounds 2 --idle-ms 0 --probes none"


def run(job, name, folder, **variables):
    step = next(step for step in job["steps"] if step.get("name") == name)
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", step["run"]],
        env={
            **os.environ,
            **{key: str(value) for key, value in WORKFLOW["env"].items()},
            "PATH": f"{FAULTLINE.parent}:{os.environ['PATH']}",
            "GITHUB_RUN_ID": "17342099177",
            "PLAN": PLAN,
            **variables,
        },
        capture_output=True, text=True, timeout=300, cwd=folder,
    )  # fmt: skip


def test_the_matrix_makes_one_result(tmp_path):
    shards = SHARD["strategy"]["matrix"]["shard"]
    assert shards == list(range(1, WORKFLOW["env"]["SHARDS"] + 1))
    for shard in shards:
        done = run(SHARD, "Run the shard", tmp_path, SHARD=str(shard))
        assert done.returncode == 0, done.stderr
    for old in ("shards", "report"):  # of a run with more shards
        (tmp_path / old).mkdir()
        (tmp_path / old / "stale").touch()
    assert run(MERGE, "Forget an earlier run's", tmp_path).returncode == 0
    (tmp_path / "shards").mkdir()
    for path in tmp_path.glob("shard-*.json"):
        shutil.move(path, tmp_path / "shards")
    done = run(MERGE, "Merge", tmp_path)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "report/stale").exists()
    assert json.loads((tmp_path / "results.json").read_text())["complete"]
    assert (tmp_path / "report/index.html").stat().st_size > 0


def test_all_shards_run_the_library_that_one_job_built():
    uploads = [step["with"] for step in BUILD["steps"] if "upload-artifact" in step.get("uses", "")]
    downloads = [step["with"] for step in SHARD["steps"] if "download-artifact" in step.get("uses", "")]
    library = Path(uploads[0]["path"])
    assert f"mine={library}" in WORKFLOW["env"]["PLAN"]
    assert downloads == [{"name": uploads[0]["name"], "path": str(library.parent)}]
    assert SHARD["needs"] == "build" and "make" not in str(SHARD["steps"])


def test_a_shard_that_fails_fails_its_job(tmp_path):
    done = run(SHARD, "Run the shard", tmp_path, SHARD="1", PLAN="larson1 -a nosuch")
    assert done.returncode != 0 and "nosuch" in done.stderr


def test_actions_are_pinned_and_nothing_may_be_written():
    steps = [step for job in (BUILD, SHARD, MERGE) for step in job["steps"] if "uses" in step]
    assert steps and all(re.search(r"@[0-9a-f]{40}$", step["uses"]) for step in steps)
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert "secrets." not in (ROOT / "ci/templates/github-shards.yml").read_text()
