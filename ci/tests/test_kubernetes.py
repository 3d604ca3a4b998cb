"""The Kubernetes manifest: valid by its API's schema, and its shell line does what it says, index by index."""

import copy
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
FAULTLINE = Path(os.environ.get("FAULTLINE", ROOT / "build/release/bin/faultline"))
SCHEMA = Path(__file__).resolve().parent / "schemas"
JOB = yaml.safe_load((ROOT / "ci/kubernetes/job.yaml").read_text())
CONTAINER = JOB["spec"]["template"]["spec"]["containers"][0]
PLAN = "pair:size=64,operations=200000 glibc-simple -a system,slabuddy --rounds 2 --idle-ms 0 --probes none"


def complaints(job):
    done = subprocess.run(
        ["node", SCHEMA / "kubernetes_job.mjs"], input=json.dumps(job), capture_output=True, text=True, cwd=SCHEMA
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.skipif(
    not shutil.which("node") or not (SCHEMA / "node_modules/kubernetes-models").is_dir(),
    reason="needs node and kubernetes-models: ci/install tests",
)
def test_it_is_valid_and_the_check_can_tell():
    assert complaints(JOB) == ""
    wrong = copy.deepcopy(JOB)
    wrong["spec"]["completionMode"] = 4
    assert "completionMode" in complaints(wrong)
    wrong = copy.deepcopy(JOB)
    del wrong["spec"]["template"]["spec"]["containers"][0]["name"]
    assert "name" in complaints(wrong)


def test_the_number_of_shards_is_the_same_wherever_it_stands():
    shards = {entry["name"]: entry["value"] for entry in CONTAINER["env"]}["SHARDS"]
    assert int(shards) == JOB["spec"]["completions"] == JOB["spec"]["parallelism"]
    assert JOB["spec"]["completionMode"] == "Indexed"


def run(index, folder, **more):
    variables = {entry["name"]: entry["value"] for entry in CONTAINER["env"]}
    variables |= {"RESULTS": str(folder), "PLAN": PLAN, "HOSTNAME": f"faultline-{index}-x7k2p"}
    variables |= {"JOB_COMPLETION_INDEX": str(index), **more}
    return subprocess.run(
        [*CONTAINER["command"], *CONTAINER["args"]],
        env={**os.environ, "PATH": f"{FAULTLINE.parent}:{os.environ['PATH']}", **variables},
        capture_output=True, text=True, timeout=300, cwd=folder,
    )  # fmt: skip


def test_all_indexes_make_one_plan(tmp_path):
    for index in range(JOB["spec"]["completions"]):
        done = run(index, tmp_path)
        assert done.returncode == 0, done.stderr
    shards = sorted(tmp_path.iterdir())
    assert [path.name for path in shards] == [f"shard-{number}.json" for number in (1, 2, 3, 4)]
    whole = tmp_path / "whole.json"
    subprocess.run([FAULTLINE, "merge", *shards, "-o", whole], check=True)
    document = json.loads(whole.read_text())
    assert document["complete"] and len(document["trials"]) == 2 * 3 * 2


def test_a_shard_that_fails_leaves_no_document_and_says_so_to_the_job(tmp_path):
    done = run(0, tmp_path, PLAN="larson1 -a nosuch")
    assert done.returncode == 64 and "nosuch" in done.stderr
    assert list(tmp_path.iterdir()) == []
