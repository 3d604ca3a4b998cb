"""A plan cut into shards, as several nodes run it, and merged."""

import json
import os
import subprocess

FAULTLINE = os.environ["FAULTLINE"]
PLAN = ["pair:size=64,operations=200000", "glibc-simple", "larson2:operations=300000", "stack"]
PLAN += ["-a", "system,slabuddy", "--rounds", "3", "--seed", "7", "--idle-ms", "0"]


def faultline(*arguments):
    return subprocess.run([FAULTLINE, *map(str, arguments)], capture_output=True, text=True, timeout=120)


def run(output, *arguments):
    done = faultline("run", *arguments, "-o", output)
    assert done.returncode == 0, done.stderr
    return json.loads(output.read_text())


def shape(trials):
    keys = ("round", "position", "workload", "allocator", "seed", "checksum", "valid")
    return [tuple(trial[key] for key in keys) for trial in trials]


def test_merged_shards_are_the_plan_of_one_node_trial_for_trial(tmp_path):
    whole = run(tmp_path / "whole.json", *PLAN)
    paths = [tmp_path / f"shard{index}.json" for index in (1, 2, 3)]
    shards = [run(path, *PLAN, "--shard", f"{index}/3") for index, path in enumerate(paths, 1)]
    assert all(shard["complete"] and shard["rounds_whole"] == 3 for shard in shards)
    done = faultline("merge", *reversed(paths), "-o", tmp_path / "merged.json")
    assert done.returncode == 0, done.stderr
    merged = json.loads((tmp_path / "merged.json").read_text())
    assert shape(merged["trials"]) == shape(whole["trials"])
    assert shape(merged["counts"]) == shape(whole["counts"])
    assert [b["name"] for b in merged["benchmarks"]] == [b["name"] for b in whole["benchmarks"]]
    del merged["plan"]["memory_limit_bytes"], whole["plan"]["memory_limit_bytes"]  # of what was free
    for document in (merged, whole):  # told shard by shard
        document["plan"]["skipped"].sort(key=lambda row: (row["workload"], row["allocator"]))
    assert merged["plan"] == whole["plan"]
    arms = {}  # of a workload's round: all on one node
    for index, shard in enumerate(shards):
        for trial in shard["trials"]:
            arms.setdefault((trial["workload"], trial["round"]), set()).add(index)
    assert all(len(nodes) == 1 for nodes in arms.values())


def test_shards_that_do_not_fit_are_one_line_each(tmp_path):
    def refused(status, words, *arguments):
        done = faultline(*arguments, "-o", tmp_path / "r.json")
        assert (done.returncode, done.stderr.count("\n")) == (status, 1), done.stderr
        assert words in done.stderr
        assert not (tmp_path / "r.json").exists()

    refused(64, "--shard requires --seed", "run", "larson1", "-a", "system", "--shard", "1/2")
    for wrong in ("3/2", "0/2", "2", "a/b"):
        refused(64, "is not K/N", "run", "larson1", "-a", "system", "--seed", 1, "--shard", wrong)
    refused(64, "10 rounds of workloads", "run", "larson1", "-a", "system", "--seed", 1, "--shard", "1/11")
    run(tmp_path / "one.json", *PLAN[:1], "-a", "system", "--seed", 1, "--rounds", 2, "--shard", "1/2")
    refused(65, "shard 2 of 2 is missing", "merge", tmp_path / "one.json")
    refused(65, "are both shard 1 of 2", "merge", tmp_path / "one.json", tmp_path / "one.json")
