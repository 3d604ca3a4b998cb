"""What resident memory is made of: the division, what cannot be divided, and where it shows."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import fake_details
import fake_documents
import jsonschema
import pytest
from faultline_reports import document
from faultline_reports.model import Document
from faultline_reports.report import analysis, as_text, page, shares

ARMS = ("system", "jemalloc")
ROWS = (("larson2", "larsonN", 2, ""),)
MIB = 2.0**20


def made(**options: Any) -> dict[str, Any]:
    value = fake_documents.make(rounds=3, workloads=ROWS, allocators=ARMS, samples=20)
    return fake_details.occupied(value, **options)


def read(value: dict[str, Any]) -> Document:
    return document.parse(json.dumps(value).encode(), "r.json")


def known(**changes: Any) -> dict[str, Any]:
    """A document whose one trial apart has 12 MiB of heap: 6 asked for, 1 rounded up, 2 between, 3 kept."""
    value = made(moments=4)
    trial = value["occupancy"] = [value["occupancy"][0]]
    begin = trial[0]["phases"][2]["begin_ns"]
    idle = trial[0]["phases"][4]["begin_ns"]
    own = trial[0]["baseline_rss_bytes"] + trial[0]["harness_bytes"] + trial[0]["harness_file_bytes"]
    columns = {
        "requested_bytes": [6 * MIB, 0],
        "usable_bytes": [9 * MIB, 0],
        "rounding_bytes": [1 * MIB, 0],
        "occupied_bytes": [9 * MIB, 0],
        "occupancy_tables_bytes": [MIB / 4, MIB / 4],
        "rss_bytes": [own + 12.25 * MIB, own + 5.25 * MIB],
        **changes,
    }
    trial[0]["series"] = [
        {"name": name, "at_ns": [begin + 5, idle + 5], "values": values} for name, values in columns.items()
    ]
    return value


def course(value: dict[str, Any]) -> shares.Course:
    found = shares.course(read(value).occupancy[0])
    assert isinstance(found, shares.Course), found
    return found


def test_resident_heap_is_divided_without_the_harness_and_what_was_there_before() -> None:
    found = course(known())
    working, idle = found.moments
    assert working.heap == 12 * MIB
    assert working.parts == (6 * MIB, 1 * MIB, 2 * MIB, 3 * MIB)
    assert idle.parts == (0, 0, 0, 5 * MIB)
    assert shares.kept_at_end(found) == 5 * MIB
    grid = shares.table(shares.Shares([found], {}))
    assert grid is not None
    assert grid.rows == [
        [
            found.name,
            "12.0 MiB",
            "50 % (6.00 MiB)",
            "8 % (1.00 MiB)",
            "17 % (2.00 MiB)",
            "25 % (3.00 MiB)",
            "+50 %",
            "5.00 MiB",
        ]
    ]


def test_live_blocks_that_were_never_written_to_are_not_divided() -> None:
    value = known(occupied_bytes=[13 * MIB, 0], requested_bytes=[12.5 * MIB, 0])
    found = course(value)
    assert found.moments[0].parts is None
    row = shares.as_json(shares.Shares([found], {}))[found.name]
    assert row["internal_bytes"] is None and row["reason"] == shares.UNDIVIDED
    assert shares.table(shares.Shares([found], {})).rows[0][2] == "not measured"  # type: ignore[union-attr]


def test_pages_from_before_the_first_operation_are_heap_once_blocks_lie_on_them() -> None:
    found = course(known(occupied_bytes=[12 * MIB + shares.ALLOWANCE_BYTES, 0]))
    working = found.moments[0]
    assert working.heap == 12 * MIB + shares.ALLOWANCE_BYTES
    assert working.parts is not None and sum(working.parts) == working.heap and working.parts[3] == 0
    assert course(known(occupied_bytes=[12 * MIB + shares.ALLOWANCE_BYTES + 1, 0])).moments[0].parts is None


def test_heap_of_less_than_a_mebibyte_is_not_divided_in_the_table() -> None:
    small = known()
    own = small["occupancy"][0]["series"][5]["values"][1] - 5.25 * MIB
    value = known(
        requested_bytes=[100, 0],
        usable_bytes=[100, 0],
        rounding_bytes=[0, 0],
        occupied_bytes=[4096, 0],
        rss_bytes=[own + MIB, own + MIB],
    )
    grid = shares.table(shares.Shares([course(value)], {}))
    assert grid is not None and grid.rows[0][2] == "too small to divide"


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (lambda trial: trial.update(occupancy={"reason": "sizes disagree"}), "sizes disagree"),
        (lambda trial: trial.update(valid=False, invalid_reason="killed"), "invalid: killed"),
        (lambda trial: trial.pop("occupancy"), "no account"),
        (lambda trial: trial["series"].pop(2), "not whole"),
        (lambda trial: trial.update(baseline_rss_bytes=None), "before the first operation"),
    ],
)
def test_what_is_missing_has_its_reason(break_it: Any, reason: str) -> None:
    value = made()
    for trial in value["occupancy"]:
        break_it(trial)
    loaded = read(value)
    found = shares.of(loaded, loaded.subjects(), loaded.occupancy)
    assert not found.courses
    assert all(reason in why for why in found.missing.values()) and len(found.missing) == 2
    assert reason in page.render(loaded, None)


def test_older_document_says_that_no_trial_kept_account() -> None:
    value = made()
    del value["occupancy"]
    text = page.render(read(value), None)
    assert "What resident memory is made of: not measured: no trial kept account" in text


def test_page_has_picture_and_table_and_json_has_the_bytes() -> None:
    loaded = read(made())
    text = page.render(loaded, None)
    assert "Memory over time: what it is made of" in text
    assert text.count("rounded up in all") == 1
    summary = json.loads(as_text.as_json(analysis.analyse(loaded, None)))
    row = summary["memory"]["larson2"]["jemalloc"]
    parts = [row[f"{name}_bytes"] for name in ("live_rss", "internal", "external", "kept")]
    assert sum(parts) == row["heap_rss_bytes"] and row["reason"] is None


def test_text_and_markdown_have_the_shares_of_every_workload() -> None:
    found = analysis.analyse(read(known()), None)
    words = "asked for, rounded up, between blocks, kept"
    for form in (as_text.text, as_text.markdown):
        text = form(found)
        assert words in text and "50/8/17/25 of 12.0 MiB" in text
        assert "not measured for jemalloc: not of this workload" in text
    small = known(occupied_bytes=[13 * MIB, 0], requested_bytes=[12.5 * MIB, 0])
    assert "12.0 MiB, not measured" in as_text.text(analysis.analyse(read(small), None))
    value = made()
    del value["occupancy"]
    without = as_text.markdown(analysis.analyse(read(value), None))
    assert words not in without and "not measured: no trial kept account" in without


def test_schema_knows_the_trials_apart() -> None:
    folder = pathlib.Path(__file__).parents[1] / "schema"
    schema = json.loads((folder / "faultline-results-1.schema.json").read_text())
    jsonschema.validate(made(), schema)
    value = made()
    value["occupancy"][0]["occupancy"] = {"reason": 3}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, schema)
