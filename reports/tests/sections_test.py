"""Sections that appear when their data is there: scaling, fragmentation over time, scarce memory."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Any

import fake_details
import fake_documents
import fake_pressure
import pytest
from faultline_reports import command, document, scarcity
from faultline_reports.model import Document
from faultline_reports.report import __main__ as report
from faultline_reports.report import analysis, fragmentation, page, pressure, scaling

ARMS = ("system", "jemalloc")
THREADS = [(f"larson{threads}", "larsonN", threads, "") for threads in (4, 1, 2)]


def made(rows: Any = tuple(THREADS), **options: Any) -> dict[str, Any]:
    return fake_documents.make(rounds=6, workloads=rows, allocators=ARMS, samples=20, **options)


def read(value: dict[str, Any]) -> Document:
    return document.parse(json.dumps(value).encode(), "r.json")


def test_workloads_that_differ_in_threads_alone_are_one_family() -> None:
    loaded = read(made())
    assert [[w.threads for w in group] for group in scaling.families(loaded)] == [[1, 2, 4]]
    other = made()
    other["plan"]["workloads"][0]["parameters"] = {"operations": "7"}
    assert [[w.threads for w in group] for group in scaling.families(read(other))] == [[1, 2]]
    assert not scaling.wanted(read(made(THREADS[:1])))


def test_scaling_compares_throughput_inside_rounds() -> None:
    value = made()
    for trial in value["trials"]:
        for phase in trial["phases"]:
            phase["wall_ns"] = 1_000_000 * (1 + trial["round"]) // trial["threads"]
            phase["operations"] = 1000
    (family,) = scaling.view(analysis.analyse(read(value), None), draws=True)
    assert len(family.pictures) == 3
    assert [line[:2] + line[3:4] for line in family.table.rows[:3]] == [
        ["system", "1", ""],
        ["system", "2", "×2.00"],
        ["system", "4", "×4.00"],
    ]
    assert family.table.rows[0][2].endswith("(167,000 to 1.00 M)")
    assert family.crowded.startswith("The host has 2 processors")


def test_what_is_held_beside_live_bytes_over_the_work() -> None:
    value = fake_details.alive(made(THREADS[:1]))
    for trial in value["trials"]:
        series = {entry["name"]: entry for entry in trial["series"]}
        series["live_bytes"]["values"] = [2**20 * n for n in range(20)]
        series["heap_rss_bytes"]["values"] = [2**20 * 3 * n for n in range(20)]
    loaded = read(value)
    assert fragmentation.wanted(loaded)
    (without,) = fragmentation.view(analysis.analyse(loaded, None), draws=False)
    assert without.table is not None
    assert without.table.rows[0] == ["system", "10.0 MiB", "20.0 MiB", "28.0 MiB", "38.0 MiB"]
    (part,) = fragmentation.view(analysis.analyse(loaded, None), draws=True)
    assert part.table is None
    told = {row[0]: row[1] for row in part.pictures[0].drawing.table.rows}
    assert [told[share] for share in ("25 %", "50 %", "75 %", "100 %")] == ["10.0", "20.0", "28.0", "38.0"]
    assert "null" not in part.pictures[0].svg
    text = page.render(loaded, None)
    assert "where a trial apart kept account of live blocks" in text
    assert not fragmentation.wanted(read(made(THREADS[:1])))


def short(arms: tuple[str, ...] = ARMS, **options: Any) -> scarcity.Scarcity:
    return scarcity.parse(json.dumps(fake_pressure.pressure(arms, **options)).encode(), "p.json")


def test_scarce_memory_from_room_to_the_smallest_limit() -> None:
    loaded = dataclasses.replace(read(made()), scarcity=short())
    seen = pressure.view(loaded, draws=True)
    assert seen is not None and not seen.other_host
    (part,) = seen.parts
    assert [line[0] for line in part.table.rows[::2]] == ["room", "200 %", "150 %", "100 %", "75 %", "50 %"]
    assert [picture.title.split(" against")[0] for picture in part.pictures] == [
        "Throughput",
        "Major faults",
        "Swapped in and out",
    ]
    row = part.table.rows[-2]
    assert row[:4] == ["50 %", "system", "0 of 3", "no valid trial"] and len(row) == len(part.table.heads)
    assert part.table.rows[6][4] == "33 %" and part.table.rows[0][6] == "not measured"
    assert part.invalid == ["50 %, system: 3 of 3 invalid (was killed by the kernel)"]
    elsewhere = dataclasses.replace(loaded, scarcity=short(fingerprint="another"))
    other = pressure.view(elsewhere, draws=False)
    assert other is not None and other.other_host and not other.parts[0].pictures


def test_the_command_takes_the_document_of_pressure(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results, short_of, target = (tmp_path / name for name in ("r.json", "p.json", "r.html"))
    results.write_text(json.dumps(made()))
    hostile = "<b>&x"
    short_of.write_text(json.dumps(fake_pressure.pressure((hostile, *ARMS))))
    assert report.run([str(results), "--pressure", str(short_of), "-o", str(target), "-q"]) == 0
    text = target.read_text()
    assert 'id="pressure"' in text and 'id="scaling"' in text and "&lt;b&gt;" in text and hostile not in text
    bad = ["--pressure", str(results), "-o", str(target)]
    assert command.main("faultline report", report.run, [str(results), *bad]) == 65
    assert 'not "faultline-pressure/1"' in capsys.readouterr().err


def test_without_their_data_no_section_is_there() -> None:
    text = page.render(read(made(THREADS[:1])), None)
    assert not any(f'id="{name}"' in text for name in ("scaling", "pressure", "fragmentation"))
