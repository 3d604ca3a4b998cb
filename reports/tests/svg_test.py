"""Pictures made small: what is left shows the same."""

from __future__ import annotations

import html
import json
import re

import fake_details
import fake_documents
from faultline_reports import document
from faultline_reports.report import figures, page, svg
from faultline_reports.statistics.interval import Interval


def path(text: str) -> str:
    return svg.path(text.split())


def test_points_are_relative_and_those_on_a_line_are_left_out() -> None:
    assert path("M 1 1 L 2 1 L 3 1 L 3 5") == "M1 1h2v4"
    assert path("M 10 10 L 10.4 9.6 L 20 0") == "M10 10l10-10"
    assert path("M 0 0 L 5 3 L 10 0") == "M0 0l5 3 5-3", "a bend stays"
    assert path("M 0 0 L 10 0 L 4 0") == "M0 0h10-6", "and so does a turn back"


def test_a_bend_of_a_fifth_of_a_pixel_is_no_bend_and_of_more_is_one() -> None:
    assert path("M 0 0 L 5 0.2 L 10 0") == "M0 0h10"
    assert path("M 0 0 L 5 0.3 L 10 0") == "M0 0l5 .3 5-.3"


def test_parts_of_a_path_begin_where_they_did() -> None:
    assert path("M 1 1 L 3 1 M 10 10 L 10 10") == "M1 1h2m7 9h0", "a stroke of no length is a dot"
    assert path("M 3 3 L 4 3 L 4 4 z M 3 4 L 9 9") == "M3 3h1v1zM3 4l6 5"
    assert path("M 100 100 L 110 100 M 110 100 L 110 90") == "M100 100h10v-10"


def test_curves_are_left_as_they_are() -> None:
    assert path("M 0 0 C 1 1 2 2 3 3") == "M 0 0 C 1 1 2 2 3 3"


GRID, BAR = 'style="fill:none;stroke:red"', 'style="fill:none;stroke:blue"'
SMALL, LARGE = 'style="font-size:9px"', 'style="font-size:12px"'


def test_strokes_of_one_style_join_unless_another_path_is_between() -> None:
    lines = [f'<path d="M0 0h1" {GRID}/>', f'<path d="M0 2h1" {GRID}/>', f'<path d="M0 1h1" {BAR}/>']
    last = f'<path d="M0 3h1" {GRID}/>'
    assert svg.merged([*lines, last]) == f'<path d="M0 0h1M0 2h1" {GRID}/>' + lines[2] + last


def test_texts_of_one_style_are_a_group_and_stay_above_what_they_were_above() -> None:
    one, two = f'<text {SMALL} x="1" y="2">a</text>', f'<text {SMALL} x="3" y="4">b</text>'
    other, stroke = f'<text {LARGE} x="5" y="6">c</text>', f'<path d="M0 0h1" {BAR}/>'
    group = f'<g {SMALL}><text x="1" y="2">a</text><text x="3" y="4">b</text></g>'
    assert svg.merged([one, two, other]) == group + other
    assert svg.merged([one, stroke, two]) == one + stroke + two
    filled = '<path d="M0 0h1z" style="fill:red"/>'
    assert svg.merged([filled, filled]) == filled + filled, "areas that overlap would cancel out"


def test_figures_in_a_name_are_not_rounded() -> None:
    name = 'lib-1.23456 x="9.8765"'
    rows = [figures.Strip(name, {0: 1.0, 1: 2.0}, Interval(1.5, 1.0, 2.0, 0.5, 0.95, 2))]
    drawn = figures.strips(rows, "ns", "a picture").svg
    assert f">{html.escape(name, quote=False)}</text>" in drawn and not re.search(r"<[^>]*\.[0-9]{3}", drawn)


def test_a_page_like_suite_full_on_seven_allocators_is_small() -> None:
    """44 workloads, 10 rounds, memory divided; without the kernel's part, which a run without root lacks."""
    rows = [(f"row-{n}", *fake_documents.WORKLOADS[n % 12][1:]) for n in range(44)]
    names = list(fake_documents.ALLOCATORS)
    made = fake_documents.make(rounds=10, workloads=rows, allocators=names, samples=100)
    made = fake_details.occupied(fake_details.by_size(made), moments=100)
    text = page.render(document.parse(json.dumps(made).encode(), "r.json"), None)
    assert len(text.encode()) < 2_500_000
    assert len(re.findall(r"<svg", text)) > 44 * 6
