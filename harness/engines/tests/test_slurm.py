"""`faultline run --engine slurm` on a cluster of two nodes, which sealed.sh and slurm_cluster.py make of this machine."""

import json
import os
import pathlib
import signal
import subprocess
import time

import pytest
from slurm_cluster import Cluster

FAULTLINE = os.environ["FAULTLINE"]
PLAN = ["pair:size=64,operations=2000000", "glibc-simple", "larson2", "-a", "system,again=system,slabuddy"]
PLAN += ["--idle-ms", "0", "--seed", "7", "--no-floor", "--probes", "none"]
ON_SLURM = ["--engine", "slurm", "--shards", "2"]
OPPOSITE = {"faster": "slower", "less": "more", "fewer": "more"}


@pytest.fixture(scope="module")
def cluster():
    folder = pathlib.Path("/mnt/cluster")
    folder.mkdir()
    made = Cluster(folder)
    yield made
    made.close()


@pytest.fixture
def slurm(cluster):
    """The cluster with both nodes idle and nothing submitted."""
    cluster.until(lambda: not cluster.jobs(), "jobs are left of another test")
    yield cluster
    left = cluster.jobs()
    cluster.run("scancel", "--user=root")  # so that one test that fails is one
    assert left == []


def start(cluster, output, *arguments):
    return subprocess.Popen(
        [FAULTLINE, "run", *PLAN, *arguments, "-o", str(output)],
        env=cluster.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def finish(process, output, status=0):
    out, err = process.communicate(timeout=1500)  # of a machine that is busy with other things
    print(err)
    if process.returncode == 76:
        print([trial["invalid_reason"] for trial in json.loads(output.read_text())["trials"] if not trial["valid"]])
    assert process.returncode == status, err + out
    return json.loads(output.read_text()), err


def in_the_middle(folder):
    """Both nodes have rounds behind them, and neither is done."""
    return all(list(folder.glob(f"*.shards-*/part-{shard}-*")) for shard in (1, 2))


def bring_back(cluster, node):
    cluster.start_node(node)
    cluster.until(lambda: cluster.nodes()[node] == "idle", f"{node} did not return")


def shape(document):
    keys = ("round", "position", "workload", "allocator", "seed", "checksum", "valid")
    return [tuple(trial[key] for key in keys) for trial in document["trials"]]


def compare(path, base, candidate):
    done = subprocess.run(
        [FAULTLINE, "compare", path, base, candidate, "--json"], check=True, capture_output=True, text=True
    )
    return {(row["workload"], row["metric"]): row for row in json.loads(done.stdout)["rows"]}


def test_two_nodes_give_the_verdicts_of_one(slurm, tmp_path):
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    alone, _ = finish(start(slurm, one, "--rounds", "20", "-q"), one)
    shared, said = finish(start(slurm, two, "--rounds", "20", *ON_SLURM), two)
    assert shape(shared) == shape(alone) and shared["complete"]
    assert [shard["index"] for shard in shared["shards"]] == [1, 2]
    assert {"runs on n1", "runs on n2"} <= {line.partition(": ")[2] for line in said.splitlines()}
    assert not list(tmp_path.glob("*shards-*"))
    judged = 0
    for candidate in ("again", "slabuddy"):
        rows = compare(one, "system", candidate)
        for key, row in compare(two, "system", candidate).items():
            first, second = rows[key].get("simultaneous_interval"), row.get("simultaneous_interval")
            print(candidate, *key, rows[key]["verdict"], first, row["verdict"], second)
            verdicts = {rows[key]["verdict"], row["verdict"]}
            assert not any({word, other} == verdicts for word, other in OPPOSITE.items()), (key, verdicts)
            if first and second:  # less than a MiB of heap has none
                assert max(first[0], second[0]) <= min(first[1], second[1]), (candidate, key, first, second)
                judged += 1
            if candidate == "slabuddy" and key[1] == "cpu_ns_per_operation":
                assert verdicts == {"faster"}, (key, verdicts)
    assert judged >= 2 * 3 * 3  # two candidates, three workloads: processor time, elapsed time, faults


def test_a_node_that_is_lost_costs_nothing_but_time(slurm, tmp_path):
    output = tmp_path / "r.json"
    process = start(slurm, output, "--rounds", "10", *ON_SLURM)
    slurm.until(lambda: in_the_middle(tmp_path), "both nodes do not run")
    slurm.lose("n2")
    document, said = finish(process, output)
    assert document["complete"] and document["rounds_whole"] == 10
    assert len(document["trials"]) == 10 * 3 * 3 and all(trial["valid"] for trial in document["trials"])
    assert "shard 2 of 2: waits again" in said and said.count("on n1") >= 3
    assert slurm.nodes()["n2"].startswith("down")
    bring_back(slurm, "n2")


def test_a_daemon_that_is_lost_loses_nothing_either(slurm, tmp_path):
    """The job goes on without it; whoever is whole first, the controller's other attempt or this one, is taken."""
    output = tmp_path / "r.json"
    process = start(slurm, output, "--rounds", "10", *ON_SLURM)
    slurm.until(lambda: in_the_middle(tmp_path), "both nodes do not run")
    slurm.daemons["slurmd.n2"].kill()
    slurm.daemons["slurmd.n2"].wait()
    document, _ = finish(process, output)
    assert document["complete"] and document["rounds_whole"] == 10 and len(document["trials"]) == 10 * 3 * 3
    bring_back(slurm, "n2")


def test_a_shard_that_fails_is_run_again(slurm, tmp_path):
    output = tmp_path / "r.json"
    process = start(slurm, output, "--rounds", "6", *ON_SLURM)
    slurm.until(lambda: in_the_middle(tmp_path), "both nodes do not run")
    for number in slurm.processes("n2"):
        if b"--shard" in pathlib.Path(f"/proc/{number}/cmdline").read_bytes():
            os.kill(number, signal.SIGKILL)
    document, said = finish(process, output)
    assert document["complete"] and document["rounds_whole"] == 6
    assert "failed on n2 (FAILED); submitted again" in said


def test_a_shard_that_always_fails_is_given_up_with_the_reason(slurm, tmp_path):
    output = tmp_path / "r.json"
    process = start(slurm, output, "--rounds", "2", "--memory-limit", "1M", *ON_SLURM)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 75, err
    assert "failed" in err and "attempt 3" in err and "needs" in err
    assert not output.exists()


def test_ctrl_c_cancels_and_the_same_command_goes_on(slurm, tmp_path):
    output = tmp_path / "r.json"
    process = start(slurm, output, "--rounds", "10", *ON_SLURM)
    slurm.until(lambda: in_the_middle(tmp_path), "both nodes do not run")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "--seed 7 goes on" in err
    assert slurm.jobs() == [] and not output.exists()
    slurm.until(lambda: not slurm.processes("n1") and not slurm.processes("n2"), "processes are left")
    began = time.monotonic()
    document, _ = finish(start(slurm, output, "--rounds", "2", *ON_SLURM), output)
    print(f"{time.monotonic() - began:.0f} s")
    assert document["complete"] and document["rounds_whole"] == 2


def test_what_the_scheduler_refuses_is_one_line(slurm, tmp_path):
    output = tmp_path / "r.json"
    process = start(slurm, output, *ON_SLURM, "--partition", "nowhere", "-q")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 69 and err.count("\n") == 1 and "partition" in err, err
    assert not list(tmp_path.iterdir())
