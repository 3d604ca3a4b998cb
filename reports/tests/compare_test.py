"""`faultline compare`, as a user calls it."""

from __future__ import annotations

import copy
import json
import pathlib
from typing import Any

import fake_documents
import pytest
from faultline_reports import command, compare

RUN = fake_documents.make(
    rounds=20, workloads=fake_documents.WORKLOADS[:1], allocators=("system", "scudo"), samples=0
)


class Bench:
    """Documents in files, and the command's outcome on them."""

    def __init__(self, directory: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._directory = directory
        self._capsys = capsys

    def file(self, name: str, value: dict[str, Any]) -> str:
        path = self._directory / name
        path.write_text(json.dumps(value))
        return str(path)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        status = command.main("faultline compare", compare.run, arguments)
        captured = self._capsys.readouterr()
        return status, captured.out, captured.err

    def rows(self, *arguments: str) -> dict[tuple[str, str], dict[str, Any]]:
        status, out, err = self.run(*arguments, "--json")
        assert status == 0, err
        return {(row["workload"], row["metric"]): row for row in json.loads(out)["rows"]}


@pytest.fixture
def bench(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> Bench:
    return Bench(tmp_path, capsys)


def slowed(share: float, seed: int = 1) -> dict[str, Any]:
    """A run in which `scudo` is `system` with its CPU time raised by `share`, in the same rounds."""
    value = copy.deepcopy(RUN)
    by_round = {t["round"]: t for t in value["trials"] if t["allocator"] == "system"}
    rng = fake_documents.random.Random(seed)
    for trial in value["trials"]:
        if trial["allocator"] == "scudo":
            twin = copy.deepcopy(by_round[trial["round"]])
            trial.update(
                phases=twin["phases"],
                peak_rss_bytes=twin["peak_rss_bytes"],
                retained_rss_bytes=twin["retained_rss_bytes"],
            )
            for phase in trial["phases"]:
                noise = 1 + rng.gauss(0, 0.004)
                phase["cpu_ns"] *= (1 + share) * noise
                phase["wall_ns"] *= (1 + share) * noise
    return value


@pytest.mark.parametrize(("share", "word"), [(0.10, "slower"), (-0.10, "faster"), (0.0, "equivalent")])
def test_a_known_difference_gets_its_word(bench: Bench, share: float, word: str) -> None:
    rows = bench.rows(bench.file("r.json", slowed(share)), "system", "scudo")
    row = rows["pair:size=64", "cpu_ns_per_operation"]
    assert row["verdict"] == word and row["samples"] == 20
    low, high = row["interval"]
    assert low <= fake_documents.math.log1p(share) <= high
    assert rows["pair:size=64", "peak_heap_bytes"]["verdict"] == "equivalent"


def grown(before: int | None) -> dict[str, Any]:
    """A run in which `scudo`'s heap grows by a tenth more than `system`'s, beside `before` bytes."""
    value = slowed(0.0)
    for trial in value["trials"]:
        more = 11 if trial["allocator"] == "scudo" else 10
        trial["baseline_rss_bytes"] = before
        trial["peak_rss_bytes"] = (before or 90 * 2**20) + more * 2**20
        trial["retained_rss_bytes"] = (before or 90 * 2**20) + 1000 * more
    return value


def test_memory_is_what_the_heap_grew_by(bench: Bench) -> None:
    rows = bench.rows(bench.file("r.json", grown(90 * 2**20)), "system", "scudo")
    assert ("pair:size=64", "peak_rss_bytes") not in rows
    peak = rows["pair:size=64", "peak_heap_bytes"]
    assert peak["verdict"] == "more" and peak["estimate"] == pytest.approx(fake_documents.math.log(1.1))
    kept = rows["pair:size=64", "retained_heap_bytes"]
    assert (kept["verdict"], kept["note"]) == ("missing", "too small to compare")


def test_memory_is_the_whole_process_where_a_document_does_not_tell_what_was_there_before(
    bench: Bench,
) -> None:
    whole, apart = bench.file("whole.json", grown(None)), bench.file("apart.json", grown(90 * 2**20))
    alone = bench.rows(whole, "system", "scudo")["pair:size=64", "peak_rss_bytes"]
    assert alone["estimate"] == pytest.approx(fake_documents.math.log(1.01))
    between = bench.rows(whole, apart, "-a", "scudo")
    assert between["pair:size=64", "peak_rss_bytes"]["estimate"] == pytest.approx(0)
    assert ("pair:size=64", "peak_heap_bytes") not in between


def test_the_table_is_plain_text(bench: Bench) -> None:
    status, out, _ = bench.run(bench.file("r.json", slowed(0.1)), "system", "scudo")
    line = next(line for line in out.splitlines() if "CPU time" in line)
    assert status == 0 and line.split()[0] == "pair:size=64" and line.endswith("slower") and "+10 %" in line


def test_five_rounds_are_never_slower_or_faster(bench: Bench) -> None:
    value = slowed(0.5)
    value["trials"] = [trial for trial in value["trials"] if trial["round"] < 5]
    path = bench.file("r.json", value)
    row = bench.rows(path, "system", "scudo")["pair:size=64", "cpu_ns_per_operation"]
    assert (row["verdict"], row["confidence"], row["note"]) == (
        "inconclusive",
        0.9375,
        "slower in all 5 rounds",
    )
    assert "5 rounds can give 93.75 % confidence at most" in bench.run(path, "system", "scudo")[1]


def test_an_arm_without_valid_trials_is_missing_with_its_reason(bench: Bench) -> None:
    value = slowed(0.1)
    fake_documents.invalidate(value, "scudo", "malloc resolves to libc")
    row = bench.rows(bench.file("r.json", value), "system", "scudo")["pair:size=64", "cpu_ns_per_operation"]
    assert row["verdict"] == "missing" and "malloc resolves to libc" in row["note"]


def test_two_documents_by_a_reference_that_ran_beside_both(bench: Bench) -> None:
    old, new = slowed(0.0), slowed(0.2, seed=2)
    for trial in new["trials"]:
        for phase in trial["phases"]:  # the machine itself is slower this time: no allocator's fault
            phase["cpu_ns"] *= 1.5
    paths = bench.file("old.json", old), bench.file("new.json", new)
    rows = bench.rows(*paths, "-a", "scudo")
    assert rows["pair:size=64", "cpu_ns_per_operation"]["verdict"] == "slower"
    assert rows["pair:size=64", "cpu_ns_per_operation"]["estimate"] == pytest.approx(0.1823, abs=0.01)
    assert bench.rows(*paths, "-a", "scudo", "--reference", "system") == rows


def test_two_documents_without_a_reference_give_times_no_verdict(bench: Bench) -> None:
    old, new = slowed(0.0), slowed(0.2)
    for value in (old, new):
        value["trials"] = [trial for trial in value["trials"] if trial["allocator"] == "scudo"]
        value["plan"]["allocators"] = [row for row in value["plan"]["allocators"] if row["name"] == "scudo"]
    paths = bench.file("old.json", old), bench.file("new.json", new)
    rows = bench.rows(*paths)
    assert rows["pair:size=64", "cpu_ns_per_operation"]["verdict"] == "inconclusive"
    assert rows["pair:size=64", "minor_faults"]["verdict"] == "equivalent"
    assert "different moments" in bench.run(*paths)[1]


def test_different_hosts_are_refused_without_force(bench: Bench) -> None:
    old, new = slowed(0.0), slowed(0.0)
    new["host"]["fingerprint"] = "0" * 16
    new["host"]["deciding"]["kernel"] = "6.9.0"
    paths = bench.file("old.json", old), bench.file("new.json", new)
    status, out, err = bench.run(*paths, "-a", "scudo")
    assert (status, out) == (65, "") and "hosts differ in kernel" in err and err.count("\n") == 1
    status, out, err = bench.run(*paths, "-a", "scudo", "--force")
    assert status == 0 and "warning: hosts differ in kernel" in out


def test_different_parameters_are_refused_without_force(bench: Bench) -> None:
    old, new = slowed(0.0), slowed(0.0)
    new["plan"]["workloads"][0]["parameters"]["operations"] = "400000"
    paths = bench.file("old.json", old), bench.file("new.json", new)
    status, out, err = bench.run(*paths, "-a", "scudo")
    assert (status, out) == (65, "") and err.count("\n") == 1
    assert "parameters differ in pair:size=64 (operations 500000 and 400000)" in err
    status, out, _ = bench.run(*paths, "-a", "scudo", "--force")
    assert status == 0 and "warning: parameters differ in pair:size=64" in out


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ({"trace": "/a/lua.fltrace"}, {"trace": "/b/lua.fltrace"}, 0),
        ({"trace": "/a/lua.fltrace"}, {"trace": "/a/git.fltrace"}, 65),
        ({"size": "64"}, {}, 0),  # not recorded
        ({"size": "64"}, {"size": "64", "touch": "all"}, 65),
    ],
)
def test_which_parameters_are_the_same(
    bench: Bench, first: dict[str, str], second: dict[str, str], status: int
) -> None:
    old, new = slowed(0.0), slowed(0.0)
    old["plan"]["workloads"][0]["parameters"] = first
    new["plan"]["workloads"][0]["parameters"] = second
    paths = bench.file("old.json", old), bench.file("new.json", new)
    assert bench.run(*paths, "-a", "scudo")[0] == status


def test_a_workload_of_one_name_with_other_threads_is_refused(bench: Bench) -> None:
    old, new = slowed(0.0), slowed(0.0)
    new["plan"]["workloads"][0]["threads"] = 8
    paths = bench.file("old.json", old), bench.file("new.json", new)
    status, _, err = bench.run(*paths, "-a", "scudo")
    assert status == 65 and "threads 1 and 8" in err


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((), 64, "arguments are required"),
        (("r.json", "system", "nosuch"), 64, "has no allocator 'nosuch'; it has system, scudo"),
        (("r.json", "system"), 64, "compared with is missing"),
        (("r.json", "system", "scudo", "--force"), 64, "are for two documents"),
        (("r.json", "r.json"), 64, "2 allocators in common; name one with -a: system, scudo"),
        (("r.json", "r.json", "-a", "nosuch"), 64, "has no allocator 'nosuch'"),
        (("r.json", "r.json", "-a", "scudo", "--reference", "scudo"), 64, "is the allocator to compare"),
        (("missing.json", "system", "scudo"), 66, "does not exist"),
        (("empty.json", "system", "scudo"), 65, "is empty"),
    ],
)
def test_a_wrong_command_line_is_one_line(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: pathlib.Path,
    arguments: tuple[str, ...],
    status: int,
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    bench.file("r.json", RUN)
    (tmp_path / "empty.json").write_bytes(b"")
    found, out, err = bench.run(*arguments)
    assert (found, out) == (status, "") and words in err
    assert err.count("\n") == 1 and err.startswith("faultline compare: ")
