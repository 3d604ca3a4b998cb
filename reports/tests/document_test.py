"""Reading documents: what is read, and the one line for what cannot be."""

from __future__ import annotations

import copy
import json
import pathlib
from typing import Any

import fake_documents
import pytest
from faultline_reports import document, fields, model
from faultline_reports.errors import Exit, UserError

SMALL = fake_documents.make(
    rounds=3, workloads=fake_documents.WORKLOADS[:2], allocators=("system", "jemalloc")
)


def small() -> dict[str, Any]:
    return copy.deepcopy(SMALL)


def parse(value: dict[str, Any]) -> document.model.Document:
    return document.parse(json.dumps(value).encode(), "r.json")


def refused(content: bytes) -> str:
    with pytest.raises(UserError) as caught:
        document.parse(content, "r.json")
    assert caught.value.status is Exit.DATA
    line = caught.value.line()
    assert "\n" not in line and line.startswith("r.json") and "; " in line
    return line


def test_a_whole_document_is_read_in_full() -> None:
    loaded = parse(small())
    assert (loaded.complete, list(loaded.rounds), len(loaded.trials), loaded.dropped) == (
        True,
        [0, 1, 2],
        18,
        0,
    )
    assert [allocator.name for allocator in loaded.subjects()] == ["system", "jemalloc"]
    assert [allocator.name for allocator in loaded.floors()] == ["null"]
    assert loaded.trials[0].phases["measure"].operations == 2_000_000
    assert loaded.seed == "20260301"


def test_unknown_fields_are_ignored() -> None:
    value = small()
    value["future"] = {"x": [1]}
    value["trials"][0]["future"] = [None]
    assert len(parse(value).trials) == 18


def test_only_schema_and_trials_are_needed() -> None:
    trial = {"workload": "w", "allocator": "a", "round": 0, "valid": True}
    loaded = parse({"schema": "faultline-results/1", "trials": [trial]})
    assert [workload.label for workload in loaded.workloads] == ["w"]
    assert loaded.trials[0].peak_rss_bytes is None


def test_an_older_schema_is_read_and_a_newer_one_refused() -> None:
    assert parse(small() | {"schema": "faultline-results/0"}).schema == "faultline-results/0"
    assert "newer" in refused(json.dumps(small() | {"schema": "faultline-results/2"}).encode())


def test_a_killed_run_gives_its_whole_rounds() -> None:
    value = small()
    fake_documents.kill(value, 6 + 6 + 2)
    loaded = parse(value)
    assert (list(loaded.rounds), loaded.dropped) == ([0, 1], 2)


def test_a_round_without_what_was_skipped_is_whole() -> None:
    value = small()
    value["complete"] = False
    value["trials"] = [
        t for t in value["trials"] if (t["workload"], t["allocator"]) != ("pair:size=64", "null")
    ]
    value["plan"]["skipped"] = [{"workload": "pair:size=64", "allocator": "null", "reason": "too large"}]
    assert list(parse(value).rounds) == [0, 1, 2]


def test_a_second_trial_of_the_same_place_is_left_out_and_said() -> None:
    value = small()
    value["trials"].append(copy.deepcopy(value["trials"][0]))
    loaded = parse(value)
    assert len(loaded.trials) == 18 and "twice" in loaded.remarks[0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \n\t", "is empty"),
        (b"hello", "is not JSON"),
        (b"[]", "is a list"),
        (b"null", "is null"),
        (b"12", "is a number"),
        (b"{}", "`schema` is missing"),
        (b"\xff\xfe{}", "byte 0: is not UTF-8"),
        (b'{"schema": NaN}', "holds NaN"),
        (b'{"schema": -Infinity}', "holds -Infinity"),
        (b'{"schema": 3}', "`schema` is a number"),
        (b'{"schema": "google-benchmark/1"}', "`schema` is"),
        (b'{"schema": "faultline-results/1"}', "`trials` is missing"),
        (b'{"schema": "faultline-results/1", "trials": {}}', "`trials` is an object"),
        (b'{"schema": "faultline-results/1", "trials": [3]}', "`trials[0]` is a number"),
        (b'{"schema": "faultline-results/1", "trials": [{}]}', "`trials[0].round` is missing"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"n": ' + b"9" * 5000 + b"}", "too long"),
    ],
)
def test_a_broken_file_is_one_line(content: bytes, words: str) -> None:
    assert words in refused(content)


def test_every_truncation_is_one_line() -> None:
    whole = json.dumps(small()).encode()
    for length in range(0, len(whole) - 1, 997):
        refused(whole[:length])
    assert "breaks off" in refused(whole[: len(whole) // 2].rstrip(b"0123456789") + b'"')


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("workload", None, "`trials[0].workload` is null"),
        ("workload", "", "`trials[0].workload` is empty"),
        ("allocator", 5, "`trials[0].allocator` is a number"),
        ("round", "1", "`trials[0].round` is a text"),
        ("round", 1.5, "`trials[0].round` is not a whole number"),
        ("round", -1, "`trials[0].round` is not a whole number"),
        ("valid", "yes", "`trials[0].valid` is a text"),
        ("peak_rss_bytes", True, "`trials[0].peak_rss_bytes` is true or false"),
        ("peak_rss_bytes", 10**40, "larger than any figure"),
        ("phases", [{"name": "measure", "wall_ns": "fast"}], "`trials[0].phases[0].wall_ns` is a text"),
        ("series", [{"name": "rss_bytes", "at_ns": [1, 2], "values": [1]}], "1 entries for 2"),
        (
            "series",
            [{"name": "rss_bytes", "at_ns": [1], "values": [None]}],
            "`trials[0].series[0].values[0]` is null",
        ),
        ("latency", 3, "`trials[0].latency` is a number"),
    ],
)
def test_a_wrong_field_is_named(field: str, value: object, words: str) -> None:
    changed = small()
    changed["trials"][0][field] = value
    assert words in refused(json.dumps(changed).encode())


def test_a_number_that_overflows_is_refused() -> None:
    content = json.dumps(small()).replace('"peak_rss_bytes": ', '"peak_rss_bytes": 1e999, "x": ', 1)
    assert "larger than any figure" in refused(content.encode())


@pytest.mark.parametrize(
    ("name", "words"), [("missing.json", "does not exist"), (".", "is a directory"), ("a\0b", "null byte")]
)
def test_a_file_that_cannot_be_read(tmp_path: pathlib.Path, name: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        document.load(str(tmp_path / name))
    assert caught.value.status is Exit.NO_INPUT and words in caught.value.line()


def test_names_cannot_forge_a_line_or_break_an_encoder() -> None:
    value = small()
    value["trials"][0]["workload"] = "a\nb\x1b[2J\u202e\ud800"
    label = parse(value).trials[0].workload
    assert label == "a\\x0ab\\x1b[2J\\u202e\\ud800"


def in_pieces(
    content: bytes, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, size: int = 7
) -> model.Document:
    place = tmp_path / "large.json"
    place.write_bytes(content)
    monkeypatch.setattr(document, "LARGE_BYTES", 0)
    monkeypatch.setattr(fields, "PIECE", size)
    return document.load(str(place))


@pytest.mark.parametrize("size", [1, 7, 1000, 10**6])
@pytest.mark.parametrize("indent", [None, 1])
def test_a_large_file_reads_as_a_small_one(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, size: int, indent: int | None
) -> None:
    value = fake_documents.make(
        rounds=2, workloads=fake_documents.WORKLOADS[:1], allocators=("system",), samples=3
    )
    value["counts"] = value["trials"][:1]
    content = json.dumps(value, indent=indent).encode()
    place = str(tmp_path / "large.json")
    assert in_pieces(content, tmp_path, monkeypatch, size) == document.parse(content, place)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b" ", "breaks off"),
        (b"[]", "{ expected"),
        (b'{"schema": "faultline-results/1", "benchmarks": [{"a": 1}', "breaks off"),
        (b'{"schema": "faultline-results/1", "benchmarks": [{"a": 1} {"b": 1}]}', ", expected"),
        (b'{"schema": "faultline-results/1", "trials": [1]}', r"trials\[0\]. is not an object"),
        (b'{"schema": "faultline-results/1", "trials": []} x', "goes on after its end"),
        (b'{"schema": "faultline-results/1", "trials": [NaN]}', "NaN"),
        (b'{"schema": "faultline-results/1", "trials": ["\xff"]}', "not UTF-8"),
        (b'{"schema": "faultline-results/1", 1: []}', "a key is no text"),
        (b'{"schema": "faultline-results/1"}', "trials. is missing"),
        (b'{"schema": "faultline-results/1", "trials": ' + b"[" * 100_000, "too deep"),
        (b'{"schema": "faultline-results/1", "trials": [{"workload": "w"}]}', r"trials\[0\]"),
    ],
)
def test_a_large_file_that_is_none_is_said_in_a_line(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, content: bytes, what: str
) -> None:
    with pytest.raises(UserError, match=what):
        in_pieces(content, tmp_path, monkeypatch)
