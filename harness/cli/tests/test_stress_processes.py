"""That `faultline stress` leaves no process, no core and no control group behind, however it or a check ends.

Run by CTest with FAULTLINE (the program), FAULTLINE_LIBRARIES (the misbehaving libraries) and
FAULTLINE_BROKEN (the broken allocators) in the environment.
"""

import json
import os
import pathlib
import signal
import subprocess
import time

import pytest

FAULTLINE = os.environ["FAULTLINE"]
HANGS = f"bad={os.environ['FAULTLINE_LIBRARIES']}/libhangs.so"
RUNS_DRY = f"bad={os.environ['FAULTLINE_LIBRARIES']}/libruns_dry.so"
CRASHES = f"bad={os.environ['FAULTLINE_LIBRARIES']}/libcrashes.so"
BROKEN = os.environ["FAULTLINE_BROKEN"]
PATIENCE_S = 60


def start(cwd, *arguments):
    command = [FAULTLINE, "stress", "-q", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=cwd)


def document(cwd, *arguments):
    output = cwd / "s.json"
    done = subprocess.run(
        [FAULTLINE, "stress", "-q", *arguments, "-o", str(output)],
        capture_output=True,
        text=True,
        timeout=280,
        cwd=cwd,
    )
    return done, json.loads(output.read_text())["results"]


def children_of(pid):
    try:
        tasks = list(pathlib.Path(f"/proc/{pid}/task").iterdir())
        return [int(word) for task in tasks for word in (task / "children").read_text().split()]
    except OSError:
        return []  # it has ended


def descendants_of(pid):
    """Of each generation those that live, the children first."""
    generations = [children_of(pid)]
    while generations[-1]:
        generations.append([grandchild for child in generations[-1] for grandchild in children_of(child)])
    return generations[:-1]


def lives(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def wait_for(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {PATIENCE_S} s for {what}")


def checks_of(running):
    """The processes of the check that hangs; a child that has not become another program yet is none."""
    found = []
    for pid in children_of(running.pid):
        try:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[1:2] == [b"conformance.blocks-apart"]:
            found.append(pid)
    return found


def wait_until_it_hangs(running):
    return wait_for(lambda: checks_of(running), "the check that hangs")[0]


def wait_until_gone(pids):
    wait_for(lambda: not any(map(lives, pids)), f"the end of {pids}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_with_what_it_has(tmp_path, number):
    output = tmp_path / "s.json"
    running = start(
        tmp_path, "-a", HANGS, "--only", "conformance.free-null,conformance.blocks-apart", "-o", output
    )
    check = wait_until_it_hangs(running)
    running.send_signal(number)
    _, said = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 128 + number, said
    assert not lives(check)
    found = json.loads(output.read_text())
    assert not found["complete"]
    assert all(r["check"] != "conformance.blocks-apart" for r in found["results"])


def test_killed_it_takes_its_check_with_it(tmp_path):
    running = start(tmp_path, "-a", HANGS, "--only", "conformance.blocks-apart")
    check = wait_until_it_hangs(running)
    running.kill()
    running.wait()
    wait_until_gone([check])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize(
    ("only", "generations"), [("random.forks", 3), ("conformance.fork-beside-threads", 2)]
)
def test_ended_it_takes_all_generations_with_it(tmp_path, number, only, generations):
    """A supervisor, its worker and the child of that; a check and its child: each deadlocked in the end."""
    running = start(
        tmp_path,
        *("-a", f"bad={BROKEN}/fork_deadlock.so", "--only", only),
        *("--seconds", 2 * PATIENCE_S, "--artifacts", tmp_path),
    )
    found = []

    def all_are_there():
        found[:] = descendants_of(running.pid)
        return len(found) >= generations and running.poll() is None

    wait_for(all_are_there, f"{generations} generations of processes")
    all_of_them = [pid for generation in found for pid in generation]
    running.send_signal(number)
    running.wait()
    wait_until_gone(all_of_them)


def test_a_crash_leaves_neither_a_process_nor_a_core(tmp_path):
    done, found = document(tmp_path, "-a", CRASHES, "--only", "conformance.blocks-apart")
    assert done.returncode == 1 and found[0]["outcome"] == "crashed" and found[0]["orphans"] == 0
    assert {entry.name for entry in tmp_path.iterdir()} <= {"s.json", "faultline-stress"}


def test_a_check_may_write_no_core(tmp_path):
    running = start(tmp_path, "-a", HANGS, "--only", "conformance.blocks-apart")
    check = wait_until_it_hangs(running)
    limits = pathlib.Path(f"/proc/{check}/limits").read_text()
    running.kill()
    running.communicate()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]


def test_killed_for_want_of_memory_is_told_and_the_rest_goes_on(tmp_path):
    only = "faults.cgroup,conformance.free-null"
    leak = f"{BROKEN}/leak.so"
    allocators = f"bad={leak},slabuddy={leak},good={BROKEN}/none.so"  # by its name it promises more
    done, found = document(tmp_path, "-a", allocators, "--only", only)
    by_name = {(r["check"], r["allocator"]): r for r in found}
    if by_name["faults.cgroup", "good"]["verdict"] == "skipped":
        pytest.skip("no memory control group can be made here")
    assert done.returncode == 1
    assert by_name["faults.cgroup", "bad"]["verdict"] == "information"  # no standard promises it
    assert by_name["faults.cgroup", "slabuddy"]["verdict"] == "broken"
    assert all("was killed for it" in by_name["faults.cgroup", name]["why"] for name in ("bad", "slabuddy"))
    assert all(r["orphans"] == 0 for r in found)
    assert [by_name["conformance.free-null", name]["verdict"] for name in ("bad", "good")] == ["ok", "ok"]
    groups = [*pathlib.Path("/sys/fs/cgroup").glob("faultline-stress-*")]
    groups += pathlib.Path("/sys/fs/cgroup/memory").glob("faultline-stress-*")
    assert [group for group in groups if not lives(group.name.rsplit("-", 1)[1])] == []


def memory_groups():
    roots = [pathlib.Path("/sys/fs/cgroup"), pathlib.Path("/sys/fs/cgroup/memory")]
    return {group for root in roots for group in root.glob("faultline-stress-*")}


def test_killed_with_a_memory_group_it_leaves_none(tmp_path):
    running = start(tmp_path, "-a", f"good={BROKEN}/none.so", "--only", "faults.cgroup")

    def own_group():
        generations = [pid for generation in descendants_of(running.pid) for pid in generation]
        return [group for group in memory_groups() if int(group.name.rsplit("-", 1)[1]) in generations]

    wait_for(lambda: own_group() or running.poll() is not None, "a memory control group")
    groups = own_group()
    running.kill()
    running.wait()
    if not groups:
        pytest.skip("no memory control group can be made here")
    wait_for(lambda: not any(group.exists() for group in groups), "the removal of the group")


def test_memory_that_runs_out_too_early_is_told(tmp_path):
    only = "faults.out-of-memory"
    promising = f"slabuddy={RUNS_DRY.removeprefix('bad=')}"
    allocators = f"{RUNS_DRY},{promising},good={BROKEN}/none.so"
    done, found = document(tmp_path, "-a", allocators, "--only", only)
    bad, slabuddy, good = found
    if good["verdict"] == "skipped":
        pytest.skip("no memory control group can be made here")
    assert good["verdict"] == "ok", good["why"]
    assert good["figures"]["alive-mib"] >= 128
    assert done.returncode == 1 and slabuddy["verdict"] == "broken"
    assert bad["verdict"] == "information" and "memory ran out with" in bad["why"]
