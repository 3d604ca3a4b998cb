"""That `faultline stress` tells what is known of an allocator's version from what is new, on the built
program and an allocator that breaks a promise on purpose.

Run by CTest with FAULTLINE (the program) and FAULTLINE_BROKEN (the folder of broken allocators) in the
environment.
"""

import json
import os
import pathlib
import subprocess
import xml.etree.ElementTree

import pytest

FAULTLINE = os.environ["FAULTLINE"]
ERRNO_LOST = pathlib.Path(os.environ["FAULTLINE_BROKEN"]) / "errno_lost.so"
CHECK = "conformance.free-keeps-errno"

FINDING = f"""[[finding]]
allocator = "ours"
version = "*"
checks = ["{CHECK}"]
why = ["WHY"]
explanation = "leaves an error number behind"
source = "https://example.org/1"
"""


def stress(table, *arguments, name="ours"):
    command = [FAULTLINE, "stress", "-q", "-a", f"{name}={ERRNO_LOST}", "--only", CHECK]
    command += ["--findings", str(table), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=table.parent)


def results(table, *arguments, **named):
    done = stress(table, "--format", "json", *arguments, **named)
    document = json.loads(done.stdout)
    assert [result["verdict"] for result in document["results"]] == ["broken"]
    return done.returncode, document["results"][0], document["summary"][0]


@pytest.fixture(name="empty")
def fixture_empty(tmp_path):
    table = tmp_path / "empty.toml"
    table.write_text("")
    return table


@pytest.fixture(name="known")
def fixture_known(empty):
    """A table that has what is seen, but for the number."""
    why = results(empty)[1]["why"]
    assert "11" in why  # EAGAIN
    table = empty.parent / "known.toml"
    table.write_text(FINDING.replace("WHY", why.replace("11", "*")))
    return table


def test_what_no_table_has_is_new_and_fails_though_the_known_is_accepted(empty):
    for accept in ([], ["--accept-known"]):
        status, result, summary = results(empty, *accept)
        assert (status, result["known"], summary["broken"], summary["new"]) == (1, None, 1, 1)
    done = stress(empty, "--accept-known")
    assert "!fail" in done.stdout and f"broken, NEW: {CHECK} on ours" in done.stdout
    assert done.stdout.splitlines()[-2:] == ["of 1 broken, 0 known, 1 NEW:", f"  {CHECK} on ours"]


def test_what_is_known_fails_until_it_is_accepted(known):
    status, result, summary = results(known)
    assert (status, summary["broken"], summary["new"]) == (1, 1, 0)
    assert result["known"] == {
        "explanation": "leaves an error number behind",
        "source": "https://example.org/1",
        "confirmed_by": "",
    }
    status, result, _ = results(known, "--accept-known")
    assert (status, result["verdict"]) == (0, "broken")
    done = stress(known)
    assert done.returncode == 1
    assert "~fail" in done.stdout and f"broken, known: {CHECK} on ours" in done.stdout
    assert "  known: leaves an error number behind (https://example.org/1)\n" in done.stdout
    assert done.stdout.splitlines()[-1] == "of 1 broken, 1 known (--accept-known lets them pass), 0 NEW"
    assert stress(known, "--accept-known").stdout.endswith("of 1 broken, 1 known and accepted, 0 NEW\n")


def test_tap_and_junit_count_the_accepted_as_no_failure(known):
    tap = stress(known, "--format", "tap").stdout
    assert f"not ok 1 - ours {CHECK}\n" in tap and '  finding: "known: leaves ' in tap
    tap = stress(known, "--format", "tap", "--accept-known").stdout
    assert f"not ok 1 - ours {CHECK} # TODO known: leaves " in tap
    for accept, tags in ([], ["failure"]), (["--accept-known"], ["skipped"]):
        junit = xml.etree.ElementTree.fromstring(stress(known, "--format", "junit", *accept).stdout)
        outcomes = [outcome for case in junit.iter("testcase") for outcome in case]
        assert [outcome.tag for outcome in outcomes] == tags
        assert "known: leaves an error number behind" in outcomes[0].get("message")


@pytest.mark.parametrize(
    ("what", "by"),
    [
        ("11", "12"),
        ('version = "*"', 'version = "1.*"'),
        (CHECK, "conformance.free-null"),
        ('"ours"', '"another"'),
    ],
)
def test_another_failure_version_check_or_allocator_is_new(empty, what, by):
    why = results(empty)[1]["why"]
    table = empty.parent / "other.toml"
    text = FINDING.replace("WHY", why)
    assert what in text
    table.write_text(text.replace(what, by))
    status, result, summary = results(table, "--accept-known")
    assert (status, result["known"], summary["new"]) == (1, None, 1)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (FINDING.replace("WHY", "*"), ":5", "matches any failure"),
        (FINDING.replace(CHECK, "conformance.no-such"), ":4", "no check is named"),
        ("[[finding]]\nallocator = ours\n", ":2", ""),
    ],
)
def test_a_mistake_in_the_table_is_one_line_before_anything_runs(tmp_path, text, place, words):
    table = tmp_path / "bad.toml"
    table.write_text(text)
    done = stress(table)
    assert (done.returncode, done.stdout) == (65, "")
    assert done.stderr.startswith(f"faultline: {table}{place}: ") and done.stderr.count("\n") == 1
    assert words in done.stderr


def test_the_table_that_comes_with_it_is_read():
    command = [FAULTLINE, "stress", "-q", "-a", "system", "--only", "conformance.free-null"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
