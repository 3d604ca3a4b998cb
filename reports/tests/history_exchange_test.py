"""Histories as text: what is exported is imported again, and broken texts are refused."""

from __future__ import annotations

import json
import pathlib

import pytest
from fake_history import nights, record, written
from faultline_reports.errors import UserError
from faultline_reports.history import __main__ as history
from faultline_reports.history import exchange


@pytest.mark.parametrize("name", ["all.jsonl", "all.csv"])
def test_what_is_exported_is_imported_again(
    place: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    history.run(["add", *nights(tmp_path, 5), "--db", place, "--revision", "0123456789abcdef"])
    exported, second = tmp_path / name, tmp_path / f"second-{name}"
    history.run(["export", "--db", place, "-o", str(exported)])
    other = str(tmp_path / "other.sqlite")
    capsys.readouterr()
    history.run(["import", str(exported), "--db", other])
    assert capsys.readouterr().out == "5 runs added\n"
    history.run(["import", str(exported), "--db", other])
    assert capsys.readouterr().out == "0 runs added, 5 there already\n"
    history.run(["export", "--db", other, "-o", str(second)])
    assert second.read_bytes() == exported.read_bytes() and exported.stat().st_size > 1000


def test_an_import_that_breaks_off_adds_nothing(tmp_path: pathlib.Path) -> None:
    lines = list(exchange.json_lines([record(1, {"a": 0.0}), record(2, {"a": 0.1})]))
    path = written(tmp_path, "broken.jsonl", lines[0] + lines[1][:-20])
    place = tmp_path / "h.sqlite"
    with pytest.raises(UserError, match="broken.jsonl:2"):
        history.run(["import", path, "--db", str(place)])
    assert not place.exists()


GOOD_LINE = json.loads(next(exchange.json_lines([record(1, {"a": 0.0})])))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("[1]", "lacks the columns"),
        ("digest,rounds\n1,2\n", "lacks the columns started_ns"),
        ('{"schema": "faultline-history/1"}', "`digest` is missing"),
        ('{"schema": "other/1"}', "is not faultline-history/1"),
        (json.dumps({**GOOD_LINE, "started_ns": "soon"}), "`started_ns` is not a whole number"),
        (json.dumps({**GOOD_LINE, "started_ns": -4}), "`started_ns` is not a whole number"),
        (json.dumps({**GOOD_LINE, "digest": "../x"}), "`digest` is not a digest"),
        (json.dumps({**GOOD_LINE, "points": [{}]}), "is missing"),
        (json.dumps(GOOD_LINE).replace('"centre": 0.0', '"centre": NaN'), "holds NaN"),
        (json.dumps(GOOD_LINE).replace('"centre": 0.0', '"centre": 1e400'), "larger than any figure"),
        (json.dumps(GOOD_LINE).replace('"centre": 0.0', '"centre": null'), "is missing"),
    ],
)
def test_broken_imports_say_what_is_wrong(tmp_path: pathlib.Path, text: str, said: str) -> None:
    path = written(tmp_path, "broken", text)
    with pytest.raises(UserError, match=said):
        history.run(["import", path, "--db", str(tmp_path / "h.sqlite")])


def test_csv_with_words_for_numbers_is_refused(tmp_path: pathlib.Path) -> None:
    text = "".join(exchange.csv_lines([record(1, {"a": 0.0})])).replace(",0.0,", ",nan,")
    with pytest.raises(UserError, match=r"broken.csv:2.*`centre` is a text, not a number"):
        history.run(["import", written(tmp_path, "broken.csv", text), "--db", str(tmp_path / "h.sqlite")])
