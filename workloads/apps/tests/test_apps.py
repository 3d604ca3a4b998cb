"""Real programs as workloads, checked on the built program as a user runs it, with programs that are always there and
two of our own: one that brings its malloc, one that is linked statically.

Run by CTest with FAULTLINE (the program) and FAULTLINE_TEST_PROGRAMS (the folder of our own) in the environment.
"""

import json
import os
import pathlib
import subprocess
import tomllib

import pytest

FAULTLINE = os.environ["FAULTLINE"]
OWN = pathlib.Path(os.environ["FAULTLINE_TEST_PROGRAMS"])
PROGRAMS = pathlib.Path(__file__).resolve().parent.parent / "programs"

SORTING = """
summary = "sorting lines"
package = "coreutils"
prepare = ["seq {lines} | tac >lines"]
command = ["sort", "-n", "lines"]
expect = "^1$"
parameters = { lines = 1000000 }
"""


def faultline(*arguments, **options):
    command = [FAULTLINE, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=250, check=False, **options)


def run(tmp_path, definition, *arguments, allocators="system,slabuddy"):
    """One round of a definition; the finished process and the document (None where there is none)."""
    (tmp_path / "mine.toml").write_text(definition)
    output = tmp_path / "r.json"
    arguments = ["-a", allocators, "--rounds", 1, "--idle-ms", 50, "-o", output, *arguments]
    done = faultline("run", "app:mine.toml", *arguments, cwd=tmp_path)
    return done, json.loads(output.read_text()) if output.exists() else None


def reasons(tmp_path, definition, *arguments, **options):
    done, document = run(tmp_path, definition, *arguments, **options)
    assert document is not None, done.stderr
    return {trial["allocator"]: trial["invalid_reason"] for trial in document["trials"]}


def test_a_program_goes_the_way_of_any_workload(tmp_path):
    done, document = run(tmp_path, SORTING)
    assert done.returncode == 0, done.stderr
    assert [workload["workload"] for workload in document["plan"]["workloads"]] == ["app:mine"]
    assert [skip["allocator"] for skip in document["plan"]["skipped"]] == ["null"]
    trials = {trial["allocator"]: trial for trial in document["trials"]}
    assert set(trials) == {"system", "slabuddy"}
    assert trials["system"]["checksum"] == trials["slabuddy"]["checksum"] != ""
    assert trials["slabuddy"]["resolved"]["malloc"].rpartition("/")[2].startswith("libslabuddy.so")
    for trial in trials.values():
        assert [phase["name"] for phase in trial["phases"]] == ["measure"]
        measure = trial["phases"][0]
        assert 0 < measure["cpu_ns"] and measure["minor_faults"] > 1000
        assert measure["kernel"]["minor_faults"] is None  # /proc/PID is not the program's
        assert trial["peak_rss_bytes"] > 5 << 20
        assert trial["retained_rss_bytes"] is None  # it ended


def test_parameters_are_the_users(tmp_path):
    (tmp_path / "mine.toml").write_text(SORTING)
    output = tmp_path / "r.json"
    words = ["app:mine.toml:lines=1200000", "-a", "system", "--rounds", 1, "--no-floor", "-o", output]
    assert faultline("run", *words, cwd=tmp_path).returncode == 0
    [workload] = json.loads(output.read_text())["plan"]["workloads"]
    assert (workload["workload"], workload["given"]) == ("app:mine,lines=1200000", {"lines": "1200000"})
    done = faultline("run", "app:mine.toml:line=3", "-a", "system", cwd=tmp_path)
    assert done.returncode == 64 and "lines" in done.stderr


def test_unexpected_output_and_a_bad_end_are_no_result(tmp_path):
    wrong = SORTING.replace("^1$", "^0$")
    assert "no line of the output" in reasons(tmp_path, wrong, allocators="system")["system"]
    failing = 'command = ["/bin/sh", "-c", "echo this is why >&2; exit 3"]\n'
    assert "exited with status 3: this is why" in reasons(tmp_path, failing, allocators="system")["system"]
    crashing = "command = [\"/bin/sh\", \"-c\", \"kill -SEGV $$\"]\n"
    assert "killed by SIGSEGV" in reasons(tmp_path, crashing, allocators="system")["system"]
    unprepared = 'prepare = ["false"]\ncommand = ["sort"]\n'
    assert "`prepare` exited with status 1" in reasons(tmp_path, unprepared, allocators="system")["system"]


def test_what_differs_between_allocators_is_no_result(tmp_path):
    differing = SORTING.replace('command = ["sort", "-n", "lines"]', 'command = "sort -n lines; echo $LD_PRELOAD"')
    assert all("differs" in reason for reason in reasons(tmp_path, differing).values())
    dropped = differing + 'drop = ["witness"]\n'
    assert all(reason is None for reason in reasons(tmp_path, dropped).values())


def test_a_program_that_ran_too_shortly_is_no_result(tmp_path):
    assert "give it more work" in reasons(tmp_path, 'command = ["true"]\n', allocators="system")["system"]


def test_a_program_with_its_own_malloc_is_told(tmp_path):
    own = f'command = ["{OWN}/brings_malloc"]\n'
    for reason in reasons(tmp_path, own).values():
        assert "alloc is answered by" in reason and "brings_malloc" in reason


@pytest.mark.skipif(not (OWN / "linked_statically").exists(), reason="there is no static libc")
def test_a_static_program_is_told(tmp_path):
    for reason in reasons(tmp_path, f'command = ["{OWN}/linked_statically"]\n').values():
        assert "linked statically" in reason


def test_a_child_without_the_allocator_is_told(tmp_path):
    hidden = 'command = "env -u LD_PRELOAD sleep 0.3; true"\n'
    for reason in reasons(tmp_path, hidden).values():
        assert "sleep: it was started without LD_PRELOAD" in reason


def test_python_has_its_small_objects_from_malloc():
    """Isolated mode would ignore PYTHONMALLOC without a word, and CPython's own arenas would be measured."""
    program = tomllib.loads((PROGRAMS / "python3.toml").read_text())
    command = [*program["command"][:-1], "-c", "import sys; sys._debugmallocstats()"]
    said = subprocess.run(command, env=os.environ | program["environment"], check=True, capture_output=True, text=True)
    assert "free PyDictObjects" in said.stderr and "Small block threshold" not in said.stderr


def test_children_are_measured_too(tmp_path):
    """Two processes that hold some 30 MB each at the same time hold 60 MB together."""
    hold = "/usr/bin/python3 -I -S -c 'x = bytearray(30 << 20); import time; time.sleep(0.4)'"
    _, document = run(tmp_path, f'command = "{hold} & {hold} & wait"\n', allocators="system")
    [trial] = document["trials"]
    assert trial["valid"], trial["invalid_reason"]
    assert 60 << 20 < trial["peak_rss_bytes"] < 90 << 20


def test_the_memory_limit_holds_for_programs(tmp_path):
    greedy = "command = [\"/usr/bin/python3\", \"-I\", \"-S\", \"-c\", \"x = b'x' * (200 << 20); import time; time.sleep(20)\"]\n"
    assert "memory limit of 100 MiB" in reasons(tmp_path, greedy + "memory_mib = 50\n", "--memory-limit", "100M", allocators="system")["system"]


SERVICE = """
server = ["/usr/bin/python3", "-I", "{dir}/server.py"]
ready = ["test", "-e", "{work}/ready"]
load = ["/usr/bin/python3", "-I", "-c", "import time; x = b'x' * (80 << 20); time.sleep(0.3); print('loaded')"]
expect = "^loaded$"
operations = 7
"""
SERVER = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
memory = b"x" * (20 << 20)
pathlib.Path("ready").touch()
while True:
    time.sleep(0.01)
"""


def test_a_service_is_measured_without_its_load(tmp_path):
    (tmp_path / "server.py").write_text(SERVER)
    done, document = run(tmp_path, SERVICE)
    assert done.returncode == 0, done.stderr
    for trial in document["trials"]:
        assert [phase["name"] for phase in trial["phases"]] == ["warmup", "measure", "idle"]
        assert trial["phases"][1]["operations"] == 7
        assert 20 << 20 < trial["retained_rss_bytes"] <= trial["peak_rss_bytes"] < 70 << 20
    (tmp_path / "server.py").write_text("raise SystemExit('no port')")
    assert "ended before it was ready: exited with status 1: no port" in reasons(tmp_path, SERVICE)["system"]


def test_what_is_not_installed_is_skipped_and_said(tmp_path):
    (tmp_path / "mine.toml").write_text('command = ["no-such-program"]\npackage = "nsp"\n')
    (tmp_path / "there.toml").write_text(SORTING)
    suite = tmp_path / "suite.toml"
    suite.write_text('[[workload]]\nuse = "app:mine.toml"\n[[workload]]\nuse = "app:there.toml"\n')
    output = tmp_path / "r.json"
    done = faultline("run", suite, "-a", "system", "--rounds", 1, "-o", output)
    assert done.returncode == 0, done.stderr
    assert "apt install nsp" in done.stderr
    assert {trial["workload"] for trial in json.loads(output.read_text())["trials"]} == {"app:there"}
    alone = faultline("run", "app:mine.toml", "-a", "system", "-o", output, cwd=tmp_path)
    assert alone.returncode == 69 and "apt install nsp" in alone.stderr


def test_mistakes_are_one_line(tmp_path):
    (tmp_path / "mine.toml").write_text('command = ["true"]\ncomand = 3\n')
    for word, status, said in [
        ("app:sqlite", 64, "app:sqlite3"),
        ("app:none.toml", 66, "none.toml"),
        ("app:mine.toml", 65, "mine.toml:2"),
    ]:
        done = faultline("run", word, "-a", "system", cwd=tmp_path)
        assert done.returncode == status and done.stderr.count("\n") == 1 and said in done.stderr
