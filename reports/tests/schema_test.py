"""The published schema: it accepts what is written, tolerates what is new, and agrees with the reader."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import fake_documents
import jsonschema
import pytest
from faultline_reports import document, validate
from faultline_reports.errors import UserError

SMALL = fake_documents.make(
    rounds=1, workloads=fake_documents.WORKLOADS[2:4], allocators=("system",), samples=5
)


def small() -> dict[str, Any]:
    return copy.deepcopy(SMALL)


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(validate.schema())


def test_whole_invalid_and_killed_documents_are_valid() -> None:
    value = small()
    assert validate.problems(value) == []
    fake_documents.invalidate(value, "system", "crashed")
    fake_documents.kill(value, 1)
    assert validate.problems(value) == []


def test_new_fields_are_valid_everywhere() -> None:
    def add(value: object) -> None:
        if isinstance(value, dict):
            for entry in list(value.values()):
                add(entry)
            value["a field of the future"] = "3"
        elif isinstance(value, list):
            for entry in value:
                add(entry)

    value = small()
    for trial in value["trials"]:
        for phase in trial["phases"]:
            del phase["kernel"]
    add(value)
    assert validate.problems(value) == []


def set_trial(field: str, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda root: root["trials"][0].update({field: value})


@pytest.mark.parametrize(
    "break_it",
    [
        lambda root: root.pop("schema"),
        lambda root: root.pop("trials"),
        lambda root: root.update(schema="faultline-results/x"),
        lambda root: root.update(complete="no"),
        lambda root: root["trials"][0].pop("workload"),
        lambda root: root["trials"][0].pop("valid"),
        lambda root: root["trials"][0].pop("round"),
        lambda root: root["plan"].update(rounds=-1),
        lambda root: root["trials"][0]["phases"][0].update(wall_ns="1"),
        set_trial("allocator", ""),
        set_trial("round", 0.5),
        set_trial("peak_rss_bytes", "5"),
        set_trial("series", [{"name": "rss_bytes", "at_ns": [1], "values": ["a"]}]),
        set_trial("notes", [1]),
    ],
)
def test_what_the_reader_refuses_the_schema_refuses(break_it: Callable[[dict[str, Any]], object]) -> None:
    value = small()
    break_it(value)
    assert validate.problems(value)
    with pytest.raises(UserError):
        document.parse(json.dumps(value).encode(), "r.json")


def test_a_valid_trial_must_have_been_measured_and_an_invalid_one_must_say_why() -> None:
    value = small()
    value["trials"][0]["phases"] = value["trials"][0]["phases"][:1]
    value["trials"][1].update(valid=False)
    places = [line.split(":")[0] for line in validate.problems(value)]
    assert places == ["trials[0].phases", "trials[1].invalid_reason"]
