"""The history as its commands show it: what is kept of a run, series, steps, and what cannot be kept."""

from __future__ import annotations

import json
import math
import pathlib
import random
import xml.etree.ElementTree as ElementTree
from typing import Any

import fake_documents
import numpy as np
import pytest
from fake_history import document, nights, record, written
from faultline_reports import document as document_reader
from faultline_reports.errors import UserError
from faultline_reports.history import __main__ as history
from faultline_reports.history import adding, picture, points, store


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        history.run(["--help"])
    said = capsys.readouterr().out
    listed = [line.split()[0] for line in said.splitlines() if line.startswith("    ")]
    assert listed == ["add", "show", "runs", "detect", "prune", "export", "import", "bisect"]


def test_the_same_run_twice_is_one_run(
    place: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, "one.json", document())
    again = written(tmp_path, "again.json", json.dumps(document(), indent=2, sort_keys=True))
    assert history.run(["add", path, "--db", place]) == 0
    assert history.run(["add", again, path, "--db", place]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "figures added" in said[0]
    assert [line.partition(": ")[2] for line in said[1:]] == ["was there already"] * 2
    with store.opened(place) as opened:
        assert len(opened.runs()) == 1


def test_times_are_kept_relative_to_the_reference_and_counts_alone() -> None:
    fake = document(effect=1.5, rounds=10)
    loaded = document_reader.parse(json.dumps(fake).encode(), "x")
    kept = points.record(fake, loaded, "abc", None).record
    times = {one: p for one, p in kept.points.items() if one.metric == "cpu_ns_per_operation"}
    assert {one.allocator for one in times} == {"mine"}
    assert all(one.reference.startswith("system@") for one in times)
    assert all(p.low <= math.log(1.5) + 0.05 and p.high >= math.log(1.5) - 0.05 for p in times.values())
    memory = {one: p for one, p in kept.points.items() if one.metric == "peak_heap_bytes"}
    assert {one.allocator for one in memory} == {"system", "mine"}
    assert all(math.exp(p.centre) == pytest.approx(p.median, rel=0.02) for p in memory.values())
    assert {one.reference for one in memory} == {""}


def test_without_a_reference_no_times_are_kept(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, "one.json", document(arms=("mine", "jemalloc")))
    place = str(tmp_path / "h.sqlite")
    history.run(["add", path, "--db", place])
    assert "no times are kept" in capsys.readouterr().out
    with store.opened(place) as opened:
        assert not [one for one in opened.table().series if one.metric.endswith("_ns_per_operation")]
    with pytest.raises(UserError, match="has no allocator 'tcmalloc'"):
        history.run(["add", path, "--db", place, "--reference", "tcmalloc"])


def test_other_parameters_another_host_or_another_reference_are_another_series(
    tmp_path: pathlib.Path,
) -> None:
    place = str(tmp_path / "h.sqlite")
    changed = [document(n) for n in range(4)]
    changed[1]["plan"]["workloads"][0]["parameters"] = {"size": "65"}
    changed[2]["host"]["fingerprint"] = "ff" * 32
    next(a for a in changed[3]["plan"]["allocators"] if a["name"] == "system")["sha256"] = "9" * 64
    paths = [written(tmp_path, f"{n}.json", value) for n, value in enumerate(changed)]
    history.run(["add", *paths, "--db", place])
    with store.opened(place) as opened:
        label = f"{fake_documents.WORKLOADS[0][0]}/mine/cpu_ns_per_operation"
        table = opened.table(lambda one: one.label == label)
    assert len(table.series) == 4 and np.isfinite(table.centres).sum() == 4


def test_a_known_step_is_found_with_date_revision_size_and_interval(
    place: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, path in enumerate(nights(tmp_path)):
        history.run(["add", path, "--db", place, "--revision", f"{number:040x}"])
    capsys.readouterr()
    assert history.run(["detect", "--db", place, "--json", "--fail-on-change", "20"]) == 1
    found = json.loads(capsys.readouterr().out)
    times = [c for c in found["changes"] if c["metric"] == "cpu_ns_per_operation"]
    assert {c["workload"] for c in times} == {row[0] for row in fake_documents.WORKLOADS[:2]}
    for change in times:
        assert change["date"] == "2026-01-19T03:00:00Z" and change["revision"] == f"{18:040x}"
        assert change["previous_revision"] == f"{17:040x}" and change["runs_since"] == 12
        assert change["interval"][0] <= math.log(1.12) <= change["interval"][1]
        assert change["word"] == "slower" and change["p"] < 0.001
    assert not [c for c in found["changes"] if c["metric"].startswith("peak")]
    assert history.run(["detect", "--db", place, "--fail-on-change", "5"]) == 0
    assert "E-divisive" in capsys.readouterr().out


def test_the_newest_run_alone_asks_for_another_run(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(tmp_path / "h.sqlite")
    history.run(["add", *nights(tmp_path, count=20, step_at=19, effect=1.3), "--db", place])
    capsys.readouterr()
    history.run(["detect", "--db", place, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["changes"] == []
    assert {s["metric"] for s in found["suspects"]} >= {"cpu_ns_per_operation"}
    assert all(s["date"].startswith("2026-01-20") for s in found["suspects"])


def test_show_lists_series_and_draws_one(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = str(tmp_path / "h.sqlite")
    history.run(["add", *nights(tmp_path), "--db", place])
    capsys.readouterr()
    history.run(["show", "--db", place])
    out = capsys.readouterr().out
    assert out.startswith("30 runs, 2026-01-01 to 2026-01-30") and "▁" in out and "to system" in out
    label = f"{fake_documents.WORKLOADS[0][0]}/mine/cpu_ns_per_operation"
    svg = tmp_path / "one.svg"
    history.run(["show", label, "--db", place, "--svg", str(svg)])
    out = capsys.readouterr().out
    assert "^" in out and "1 change point" in out and any(0x2800 < ord(c) < 0x2900 for c in out)
    root = ElementTree.fromstring(svg.read_text("utf-8"))
    assert len([e for e in root.iter() if e.get("stroke-dasharray")]) == 1
    history.run(["show", label, "--db", place, "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert len(shown["points"]) == 30 and len(shown["changes"]) == 1
    assert all(p["low"] <= p["centre"] <= p["high"] and p["median"] > 0 for p in shown["points"])
    with pytest.raises(UserError, match="holds no such series"):
        history.run(["show", "nothing-such", "--db", place])
    with pytest.raises(UserError, match="series are named"):
        history.run(["show", "--db", place, "--svg", str(svg)])


def test_runs_are_listed_oldest_first(
    place: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, path in enumerate(nights(tmp_path, 3)):
        history.run(["add", path, "--db", place, "--revision", f"{number:040x}"])
    capsys.readouterr()
    history.run(["runs", "--db", place])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["date", "revision", "host", "suite", "rounds"]
    assert [line.split()[0] for line in lines[1:]] == [f"2026-01-0{n}T03:00:00Z" for n in (1, 2, 3)]
    history.run(["runs", "--last", "1", "--json", "--db", place])
    (newest,) = json.loads(capsys.readouterr().out)["runs"]
    assert newest["revision"] == f"{2:040x}" and newest["date"] == "2026-01-03T03:00:00Z"


@pytest.mark.parametrize("values", [[1.0], [1.0, 1.0], [0.0, -2.0, 5.0], [1e-12, 2e-12]])
def test_pictures_of_few_or_equal_values(values: list[float]) -> None:
    shown = picture.Picture(
        "a<b", "", np.array(values), ["2026-01-01"] * len(values), [(0, 0, values[0])], []
    )
    assert len(picture.chart(shown, 60, 5)) == 7
    assert len(picture.line(np.array(values), 10)) == len(values)
    ElementTree.fromstring(picture.svg(shown))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(trials=[]), "holds no whole round"),
        (lambda d: d["host"].pop("fingerprint"), "does not say which host"),
        (lambda d: d["tool"].pop("started"), "does not say when it was run"),
        (lambda d: d["tool"].update(started="yesterday"), "does not say when it was run"),
        (lambda d: d.update(schema="other"), 'not "faultline-results/1"'),
        (lambda d: [t.update(valid=False) for t in d["trials"]], "holds no figure to keep"),
    ],
)
def test_documents_that_cannot_be_kept(tmp_path: pathlib.Path, change: Any, said: str) -> None:
    fake = document(rounds=2)
    change(fake)
    place = tmp_path / "h.sqlite"
    with pytest.raises(UserError, match=said):
        history.run(["add", written(tmp_path, "x.json", fake), "--db", str(place)])
    assert not place.exists()


def test_odd_but_usable_documents_are_kept(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One round, no faults at all, a figure of 0, a run that was cut short."""
    one = document(0, rounds=1)
    zeros = document(1, rounds=3)
    for trial in zeros["trials"]:
        for phase in trial["phases"]:
            phase.update(minor_faults=0)
        trial["phases"][2].update(cpu_ns=0)
    short = document(2, rounds=4)
    fake_documents.kill(short, len(short["trials"]) - 1)
    paths = [written(tmp_path, f"{n}.json", value) for n, value in enumerate([one, zeros, short])]
    assert history.run(["add", *paths, "--db", str(tmp_path / "h.sqlite")]) == 0
    assert "the run was cut short" in capsys.readouterr().out
    assert history.run(["show", "--db", str(tmp_path / "h.sqlite")]) == 0
    assert history.run(["detect", "--db", str(tmp_path / "h.sqlite")]) == 0
    assert "no change point in 0 series over 3 runs" in capsys.readouterr().out


def test_series_that_do_not_vary_or_have_holes(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(1)
    with store.opened(place, create=True) as opened:
        for n in range(40):
            values = {"constant": 1.0, "step": 0.0 if n < 20 else 0.5}
            if n % 3:
                values["holes"] = rng.gauss(0.0 if n < 25 else 0.3, 0.01)
            opened.add(record(n, values))
    history.run(["detect", "--db", place, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert {(c["workload"], c["date"][:10]) for c in found["changes"]} == {
        ("step", "1970-01-21"),
        ("holes", "1970-01-26"),
    }


def test_a_revision_is_a_commit(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "x.json", document())
    monkeypatch.chdir(tmp_path)
    for bad in ("no-such-branch", "--all", "; rm -rf"):
        with pytest.raises(UserError, match="is no commit here"):
            history.run(["add", path, "--db", "h.sqlite", f"--revision={bad}"])
    assert adding.commit_of("0123abc") == "0123abc"
