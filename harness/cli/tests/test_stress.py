"""What `faultline stress` promises, checked on the built program as a user runs it.

Run by CTest with FAULTLINE (the program) and FAULTLINE_LIBRARIES (the misbehaving libraries) in the
environment.
"""

import json
import os
import pathlib
import subprocess
import xml.etree.ElementTree

import pytest

FAULTLINE = os.environ["FAULTLINE"]
LIBRARIES = pathlib.Path(os.environ["FAULTLINE_LIBRARIES"])


def stress(*arguments, cwd=None, timeout=280):
    command = [FAULTLINE, "stress", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, cwd=cwd)


def library(name):
    return f"bad={LIBRARIES / f'lib{name}.so'}"


def document(tmp_path, *arguments):
    output = tmp_path / "s.json"
    done = stress(*arguments, "-o", output, cwd=tmp_path)
    return done, json.loads(output.read_text())


@pytest.mark.slow
def test_conformance_holds_for_the_c_library_and_for_our_own(tmp_path):
    done, found = document(tmp_path, "--only", "conformance", "-a", "system,slabuddy", "--seconds", 1)
    broken = [(r["allocator"], r["check"], r["why"]) for r in found["results"] if r["verdict"] == "broken"]
    assert (done.returncode, broken) == (0, [])
    assert found["complete"] and len(found["results"]) == 2 * len(found["plan"]["checks"]) >= 80
    assert all(r["orphans"] == 0 for r in found["results"])


def test_misuse_that_our_own_promise_to_stop_is_stopped(tmp_path):
    done, found = document(tmp_path, "--only", "misuse", "-a", "slabuddy,slabuddy-checked")
    assert done.returncode == 0, done.stdout
    promised = [r for r in found["results"] if r["promised"]]
    assert len(promised) >= 25
    assert all(r["outcome"] == "stopped" and "slabuddy: " in r["why"] for r in promised)
    assert any(r["verdict"] == "information" for r in found["results"])


def test_what_nobody_promised_is_information_until_it_is_required(tmp_path):
    only = ["--only", "misuse.write-after-free-reuse", "-a", "system"]
    assert stress(*only, cwd=tmp_path).returncode == 0
    assert stress(*only, "--require-misuse", "misuse.write-*", cwd=tmp_path).returncode == 1


def test_what_cannot_be_tried_is_named_last_and_broken_where_it_is_required(tmp_path):
    only = ["--only", "conformance.free-sized,conformance.free-null", "-a", "system"]  # glibc has no free_sized
    done = stress(*only, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-2].endswith(": 1 of 2 results")
    assert done.stdout.splitlines()[-1].startswith("  conformance.free-sized: ")
    assert done.stdout.endswith(" (system)\n")
    done, found = document(tmp_path, *only, "--require-tried", "conformance")
    assert done.returncode == 1
    skipped = next(r for r in found["results"] if r["outcome"] == "skipped")
    assert (skipped["verdict"], skipped["why"].split(":")[0]) == ("broken", "not tried")
    assert found["plan"]["to_be_tried"] == ["conformance"]
    assert "not tried, so" not in done.stdout  # it stands among what is broken
    assert stress(*only, "--require-tried", "conformance.free-null", cwd=tmp_path).returncode == 0


def test_nothing_is_said_of_checks_that_were_all_tried(tmp_path):
    assert "not tried" not in stress("--only", "conformance.free-null", "-a", "system", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("name", "outcomes"),
    [
        pytest.param("hangs", {"hung"}, marks=pytest.mark.slow),
        ("crashes", {"crashed"}),
        ("runs_dry", {"failed", "stopped"}),
        ("hands_out_twice", {"failed", "stopped", "crashed"}),
    ],
)
def test_a_misbehaving_library_is_found_and_the_rest_goes_on(tmp_path, name, outcomes):
    checks = "conformance.blocks-apart,conformance.free-null"
    done, found = document(tmp_path, "--only", checks, "-a", f"{library(name)},system")
    assert done.returncode == 1, done.stderr
    by_name = {(r["check"], r["allocator"]): r for r in found["results"]}
    assert by_name["conformance.blocks-apart", "bad"]["outcome"] in outcomes
    assert by_name["conformance.free-null", "bad"]["verdict"] == "ok"
    assert by_name["conformance.blocks-apart", "system"]["verdict"] == "ok"


def test_a_library_that_is_half_a_malloc_is_refused_before_anything_runs():
    done = stress("-a", library("half"))
    assert done.returncode == 65
    assert done.stderr.count("\n") == 1


def test_formats_for_other_programs(tmp_path):
    only = ["--only", "misuse.free-stack,conformance.free-null", "-a", "system", "-q"]
    tap = stress(*only, "--format", "tap", cwd=tmp_path).stdout.splitlines()
    assert tap[:2] == ["TAP version 13", "1..2"]
    assert tap[2:] == [
        "ok 1 - system conformance.free-null",
        "ok 2 - system misuse.free-stack (stopped)",
    ]
    junit = xml.etree.ElementTree.fromstring(stress(*only, "--format", "junit", cwd=tmp_path).stdout)
    assert [case.get("name") for case in junit.iter("testcase")] == [
        "conformance.free-null",
        "misuse.free-stack",
    ]
    assert (
        json.loads(stress(*only, "--format", "json", cwd=tmp_path).stdout)["schema"] == "faultline-stress/1"
    )


def test_the_list_names_every_check():
    listed = stress("--list", "--only", "misuse").stdout.splitlines()
    assert len(listed) > 30 and all(line.startswith("misuse.") for line in listed[1:])
    entries = json.loads(stress("--list", "--format", "json").stdout)
    assert {"conformance", "misuse"} <= {entry["kind"] for entry in entries}


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--only", "conformance.free-nul"], 64, ['did you mean "conformance.free-null"']),
        (["--require-misuse", "conformance.free-null"], 64, ["does not name misuses"]),
        (["--require-tried", "conformence"], 64, ["--require-tried", "no check is named so"]),
        (["-a", "jemaloc"], 64, ["unknown allocator"]),
        (["-o", "/nonexistent/s.json"], 73, ["/nonexistent/s.json"]),
        (["--env", "LD_PRELOAD=x"], 64, ["-a NAME=path.so"]),
    ],
)
def test_bad_input_is_answered_in_one_line(arguments, status, words):
    done = stress(*arguments)
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith("faultline: ") and done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr
