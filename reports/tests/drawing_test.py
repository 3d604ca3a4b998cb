"""A picture's table holds the figures drawn, and the page's script finds them where they are."""

from __future__ import annotations

import json
import math
import re

import fake_details
import fake_documents
import pytest
from faultline_reports import document
from faultline_reports.report import bands, curves, drawing, figures, page, shares
from faultline_reports.report.drawing import Drawing
from faultline_reports.statistics.order import median_interval

ROUNDS = {0: 11.0, 1: 12.5, 3: 30.0}


def dots(svg: str, color: str) -> list[tuple[float, float]]:
    """Where strokes of no length are, in their order."""
    found = []
    for data in re.findall(rf'<path d="([^"]*)" style="fill:none;stroke:var\({color}\)[^"]*round"', svg):
        x = y = 0.0
        for command, text in re.findall(r"([Mm])([^Mm]*?)h0", data):
            dx, dy = (float(number) for number in re.findall(r"-?[0-9]*\.?[0-9]+", text))
            x, y = (dx, dy) if command == "M" else (x + dx, y + dy)
            found.append((x, y))
    return found


def number(cell: str) -> float:
    return float(cell.split(" ")[0].replace(",", "").replace("−", "-"))


def share(value: float, low: float, high: float, kind: str) -> float:
    if kind == "log":
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def places_in_rows(drawn: Drawing, first: int = 1) -> list[float]:
    """From the table, row by row of the picture; its first row is of middles."""
    word, _, low, high, kind = drawn.spots.split(" ")
    assert word == "row"
    columns = list(zip(*drawn.table.rows[first:]))[1:]
    cells = [cell for column in columns for cell in column if cell]
    return [14 + share(number(cell), float(low), float(high), kind) * 332 for cell in cells]


def strips(scale: float) -> list[figures.Strip]:
    rows = [ROUNDS, {n: value * scale for n, value in ROUNDS.items()}, {0: 20.0}]
    return [figures.Strip(f"arm{n}", row, median_interval(list(row.values()))) for n, row in enumerate(rows)]


@pytest.mark.parametrize(("scale", "kind"), [(1.3, "lin"), (100.0, "log")])
def test_samples(scale: float, kind: str) -> None:
    drawn = figures.strips(strips(scale), "ns", "samples")
    assert drawn.table.heads == ["round", "arm0", "arm1", "arm2"] and drawn.spots.endswith(kind)
    assert [row[0] for row in drawn.table.rows] == ["median", "0", "1", "3"]
    assert drawn.table.rows[3][3] == "", "a round without a sample"
    seen = [x for x, _ in dots(drawn.svg, "--dot")]
    assert len(seen) == 7 and seen == pytest.approx(places_in_rows(drawn), abs=1.0)


def test_differences_are_ratios() -> None:
    rows = [
        figures.Paired("arm", {0: math.log(0.8), 2: math.log(1.25)}, median_interval([math.log(0.8), 0.1]))
    ]
    drawn = figures.differences(rows, "system", "differences")
    assert drawn.unit == "× system"
    assert [row[:2] for row in drawn.table.rows[1:]] == [["0", "0.800"], ["2", "1.250"]]
    seen = [x for x, _ in dots(drawn.svg, "--dot")]
    assert seen == pytest.approx(places_in_rows(drawn), abs=1.0)


def test_a_distribution_has_every_sample_in_order() -> None:
    drawn = figures.ecdf(strips(1.3), "ns", "arm0", "distribution")
    assert [row[1] for row in drawn.table.rows] == ["11.0", "12.5", "30.0"]
    assert drawn.table.heads == ["trials", "arm0, of 3", "arm1, of 3", "arm2, of 1"]
    assert places_in_rows(drawn, 0)


def test_a_course_keeps_the_lowest_and_highest_of_each_part() -> None:
    values = [float(2**20 * (n % 10)) for n in range(1000)]
    row = figures.Course("arm", [n * 1e6 for n in range(1000)], values, [])
    drawn = figures.courses([row], "bytes", "over time", 32)
    assert len(drawn.table.rows) == 16 and drawn.table.rows[-1] == ["100 %", "0 to 9.00"]
    assert drawn.unit == "MiB" and drawn.table.heads[1] == "arm, 999 ms"
    assert drawn.spots == "part 44 14 346"
    assert figures.stretches([5.0, 1.0], 4) == [[], [0], [], [1]]


def test_bands_keep_the_peak_and_the_end() -> None:
    mib = 2.0**20
    parts = [(n * mib, mib, mib, mib) for n in (1.0, 9.0, 3.0, 2.0)]
    moments = [shares.Moment(n * 1e6, "measure", sum(part), 0, 0, part) for n, part in enumerate(parts)]
    drawn = bands.draw([shares.Course("arm", moments, [("measure", 0.0, 3e6)])], "bands", 4)
    assert [row[1].split("/")[0] for row in drawn.table.rows] == ["1.0", "9.0", "3.0", "2.0"]
    assert drawn.unit == "MiB: asked for / rounded up / between blocks / kept"


@pytest.mark.parametrize("high", [40.0, 4000.0])
def test_marks_of_curves(high: float) -> None:
    marks = [curves.Point(0, 20.0, 18.0, 22.0), curves.Point(2, high)]
    one = curves.Curve("arm", [(0, 20.0), (1, 30.0), (2, high)], marks)
    x = curves.places(["1", "2", "4"], "threads")
    drawn = curves.draw([one], x, curves.amounts([20.0, high], "ns", "latency"), "curves")
    assert [row[0] for row in drawn.table.rows] == ["1", "2", "4"] and drawn.table.heads[0] == "threads"
    assert "(" in drawn.table.rows[0][1] and "(" not in drawn.table.rows[1][1]
    word, *words = drawn.spots.split(" ")
    top, height, low, end = map(float, words[:4])
    assert word == "mark"
    at = dict(zip((0, 1, 2), map(float, words[5:])))
    told = [
        (at[row], top + height * (1 - share(number(drawn.table.rows[row][1]), low, end, words[4])))
        for row in (0, 2)
    ]
    seen = dots(drawn.svg, "--k1")[:2]
    assert [x for x, _ in seen] == pytest.approx([x for x, _ in told], abs=1.0)
    assert [y for _, y in seen] == pytest.approx([y for _, y in told], abs=1.0)


def test_figures_are_as_fine_as_a_picture_shows() -> None:
    text, divisor, name = drawing.amounts([49.9 * 2**20, 50.1 * 2**20], "bytes")
    assert (text(50.0 * 2**20), divisor, name) == ("50.0000", 2.0**20, "MiB")
    assert drawing.amounts([0.0, 60.0], "ns")[0](32.84) == "32.8"
    assert drawing.amounts([-30.0, 60.0], "")[0](-4.0) == "−4.0"
    assert drawing.amounts([5.0, 5.0], "ns")[0](5.0) == "5.00"


def test_every_picture_of_a_page_has_its_table() -> None:
    made = fake_documents.make(rounds=3, workloads=fake_documents.WORKLOADS[:2], samples=40)
    made = fake_details.counted(fake_details.occupied(fake_details.by_size(fake_details.alive(made))))
    text = page.render(document.parse(json.dumps(made).encode(), "r.json"), None)
    drawn = re.findall(r"<figure.*?</figure>", text, flags=re.DOTALL)
    assert len(drawn) > 30
    for entry in drawn:
        assert re.search(r"<table[^>]*>.*<td>[^<]*[0-9]", entry, flags=re.DOTALL), entry[:200]
