"""The folder form: stable links, every run kept, and a feed of runs and change points."""

from __future__ import annotations

import json
import pathlib
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from typing import Any

import fake_documents
import pytest
from faultline_reports.errors import UserError
from faultline_reports.report import __main__ as command
from faultline_reports.report import site

ATOM = "{http://www.w3.org/2005/Atom}"
HOSTILE = "../../<b>&\"' x"


def write(place: pathlib.Path, started: str, seed: int = 1, hostile: bool = False) -> str:
    value = fake_documents.make(
        seed=seed,
        rounds=6,
        workloads=fake_documents.WORKLOADS[1:3],
        allocators=("system", "jemalloc"),
        samples=0,
    )
    value["tool"]["started"] = started
    text = json.dumps(value)
    if hostile:
        text = text.replace('"larson2"', json.dumps(HOSTILE)).replace('"jemalloc"', json.dumps(HOSTILE))
    place.write_text(text)
    return str(place)


def add(tmp_path: pathlib.Path, source: str, *more: str) -> pathlib.Path:
    folder = tmp_path / "site"
    assert command.run([source, "--site", str(folder), "-q", *more]) == 0
    return folder


def links_of(page: pathlib.Path) -> list[pathlib.Path]:
    found = re.findall(r'href="([^"#]*)[^"]*"', page.read_text())
    return [page.parent / link for link in found if link and not link.startswith("data:")]


def test_every_link_of_every_page_leads_somewhere_inside(tmp_path: pathlib.Path) -> None:
    folder = add(tmp_path, write(tmp_path / "a.json", "2026-03-01T10:00:00Z", hostile=True))
    add(tmp_path, write(tmp_path / "b.json", "2026-03-02T10:00:00Z"))
    pages = list(folder.rglob("*.html"))
    assert len(pages) == 1 + 2 + 3 + 3  # the index, runs, workloads, allocators
    for page in pages:
        for link in links_of(page):
            assert link.exists(), (page, link)
            assert folder.resolve() in link.resolve().parents
    assert not list(tmp_path.glob("*.html"))


@pytest.mark.skipif(shutil.which("tidy") is None, reason="tidy is not installed")
def test_every_page_is_valid_html(tmp_path: pathlib.Path) -> None:
    folder = add(tmp_path, write(tmp_path / "a.json", "2026-03-01T10:00:00Z", hostile=True))
    for page in folder.rglob("*.html"):
        found = subprocess.run(["tidy", "-q", "-e", "-utf8", str(page)], capture_output=True, text=True)
        assert (found.returncode, found.stderr) == (0, ""), page


def test_links_stay_and_a_run_added_twice_is_there_once(tmp_path: pathlib.Path) -> None:
    first, second = (write(tmp_path / f"{day}.json", f"2026-03-0{day}T10:00:00Z") for day in (1, 2))
    folder = add(tmp_path, first)
    before = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    add(tmp_path, second)
    add(tmp_path, first)
    after = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    assert set(before) < set(after)
    assert len(list((folder / "runs").iterdir())) == 2
    text = (folder / "index.html").read_text()
    assert text.index("2026-03-02") < text.index("2026-03-01")
    larson = (folder / "workloads" / "larson2" / "index.html").read_text()
    assert larson.count("<tr><th") == 1 + 4 and "#w2" in larson


def test_the_feed_is_atom_and_tells_change_points(tmp_path: pathlib.Path) -> None:
    changes: dict[str, Any] = {
        "schema": "faultline-changes/1",
        "changes": [
            {
                "workload": "larson2",
                "allocator": "jemalloc",
                "metric": "cpu_ns_per_operation",
                "date": "2026-03-03T10:00:00Z",
                "revision": "0123456789abcdef",
                "run": "d1",
                "log_size": 0.0953,
                "word": "slower",
            }
        ],
    }
    place = tmp_path / "changes.json"
    place.write_text(json.dumps(changes))
    source = write(tmp_path / "a.json", "2026-03-01T10:00:00Z", hostile=True)
    folder = add(tmp_path, source, "--changes", str(place), "--base-url", "https://example.org/perf")
    feed = ElementTree.parse(folder / "feed.xml").getroot()
    entries = feed.findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}updated") for entry in entries] == [
        "2026-03-03T10:00:00Z",
        "2026-03-01T10:00:00Z",
    ]
    assert entries[0].findtext(f"{ATOM}title") == "jemalloc, larson2: CPU time per operation +10 % (slower)"
    for element in (feed, *entries):
        for name in ("id", "title", "updated"):
            assert element.findtext(f"{ATOM}{name}"), name
        link = element.find(f"{ATOM}link")
        assert link is not None and link.get("href", "").startswith("https://example.org/perf/")
    assert "at 0123456789ab" in (entries[0].findtext(f"{ATOM}summary") or "")
    assert "+10 % (slower)" in (folder / "index.html").read_text()


@pytest.mark.parametrize("address", ["example.org", "javascript:alert(1)", 'https://x/"><b>'])
def test_a_wrong_address_is_refused(tmp_path: pathlib.Path, address: str) -> None:
    with pytest.raises(UserError, match="no address"):
        add(tmp_path, write(tmp_path / "a.json", "2026-03-01T10:00:00Z"), "--base-url", address)


def test_a_strange_summary_is_named(tmp_path: pathlib.Path) -> None:
    folder = add(tmp_path, write(tmp_path / "a.json", "2026-03-01T10:00:00Z"))
    (folder / "runs" / "other").mkdir()
    (folder / "runs" / "other" / "summary.json").write_text('{"schema": "x"}')
    with pytest.raises(UserError, match="delete the run's folder"):
        add(tmp_path, str(tmp_path / "a.json"))


def test_slugs_are_plain_short_and_never_the_same() -> None:
    names = ["a", "a b", "a/b", "..", ".", "", "x" * 300, "X" * 300, "ä", "pair:size=64"]
    slugs = [site.slug(name) for name in names]
    assert len(set(slugs)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,70}", entry) and entry.strip(".") for entry in slugs)
    assert site.slug("larson2") == "larson2"


def test_index_says_what_was_measured(tmp_path: pathlib.Path) -> None:
    words = ["--revision", "0123456789abcdef", "--subject", HOSTILE]
    folder = add(tmp_path, write(tmp_path / "a.json", "2026-03-01T10:00:00Z"), *words)
    text = (folder / "index.html").read_text()
    assert "<code>0123456789ab</code>" in text
    assert "&lt;b&gt;" in text and "<b>" not in text


def test_pages_draw_what_runs_say_over_time_with_change_points(tmp_path: pathlib.Path) -> None:
    days = [f"2026-03-0{day}T10:00:00Z" for day in range(1, 6)]
    folder = add(tmp_path, write(tmp_path / "r.json", days[0]))
    assert (
        "<svg" not in (folder / "workloads" / "larson2" / "index.html").read_text()
    ), "of one run is no course"
    for number, day in enumerate(days[1:]):
        add(tmp_path, write(tmp_path / "r.json", day, seed=number + 1))
    entry = {
        "date": days[3],
        "workload": "larson2",
        "allocator": "jemalloc",
        "log_size": 0.1,
        "word": "slower",
    }
    change = {**entry, "metric": "cpu_ns_per_operation", "run": "x", "revision": "abc"}
    (tmp_path / "c.json").write_text(json.dumps({"schema": "faultline-changes/1", "changes": [change]}))
    add(tmp_path, str(tmp_path / "r.json"), "--changes", str(tmp_path / "c.json"))
    text = (folder / "workloads" / "larson2" / "index.html").read_text()
    (drawn,) = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert "in 5 runs, by allocator" in drawn
    assert ">jemalloc</text>" in drawn and ">system</text>" not in drawn
    assert ">2026-03-01</text>" in drawn and ">2026-03-05</text>" in drawn
    assert drawn.count("var(--k4)") == 1, "the change point"
    other = folder / "workloads" / site.slug("batch:order=shuffled,size=256") / "index.html"
    assert "var(--k4)" not in other.read_text()
    assert "by workload" in (folder / "allocators" / "jemalloc" / "index.html").read_text()
