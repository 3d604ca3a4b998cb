"""The HTML report, from documents of every kind."""

from __future__ import annotations

import html.parser
import json
import pathlib
import re
import shutil
import subprocess
from typing import Any

import fake_documents
import pytest
from faultline_reports import document
from faultline_reports.errors import UserError
from faultline_reports.report import __main__ as command
from faultline_reports.report import page

VOID = {"meta", "link", "input", "br", "path", "use", "rect", "circle", "line", "image"}
HOSTILE = "<script>alert(1)</script>]]>--&amp;\"'$x$ \u202e{{7*7}}"


class Balance(html.parser.HTMLParser):
    """Notes every element that is not closed, ids that come twice, and what a browser would load."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.problems: list[str] = []
        self.ids: set[str] = set()
        self.loads: list[str] = []
        self.tags: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("td", "th", "tr"):
            self.end({"td", "th"} if tag != "tr" else {"td", "th", "tr"})
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                if value in self.ids:
                    self.problems.append(f"id {value} twice")
                self.ids.add(value or "")
            if name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset") and value:
                self.loads.append(value)
            if name.startswith("on"):
                self.problems.append(f"event handler {name}")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def end(self, before: set[str]) -> None:
        """Of table cells and rows, whose end tags HTML does without."""
        while self.open and self.open[-1] in before:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if tag in ("tr", "tbody", "thead", "table"):
            self.end({"td", "th"} if tag == "tr" else {"td", "th", "tr"})
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)


def check(text: str) -> Balance:
    found = Balance()
    found.feed(text)
    found.close()
    assert not found.open and not found.problems, found.problems[:5]
    assert "iframe" not in found.tags
    assert len(re.findall("<script", text)) <= 3 and "script-src 'sha256-" in text
    inside = [load for load in found.loads if not load.startswith(("#", "data:"))]
    assert not inside, inside[:5]
    assert {load[1:] for load in found.loads if load.startswith("#")} <= found.ids
    assert not re.search(r"url\((?!#)", text) and "@import" not in text
    return found


def render(value: dict[str, Any], baseline: str | None = None) -> Balance:
    return check(page.render(document.parse(json.dumps(value).encode(), "r.json"), baseline))


def words(found: Balance) -> str:
    return " ".join(" ".join(found.text).split())


def make(**options: Any) -> dict[str, Any]:
    options.setdefault("workloads", fake_documents.WORKLOADS[3:5])  # those without latencies
    options.setdefault("allocators", ("system", "jemalloc", "mimalloc", "slabuddy"))
    options.setdefault("rounds", 6)
    options.setdefault("samples", 0)
    return fake_documents.make(**options)


def test_a_whole_document() -> None:
    found = words(render(make(rounds=20, workloads=fake_documents.WORKLOADS[1:3], samples=40)))
    assert "all 200 trials valid" in found and "Over 2 workloads" in found
    assert "faultline run larson2:operations=500000 -a system,jemalloc,mimalloc,slabuddy --rounds 20" in found
    assert "CPU frequency governor is ondemand" in found and "perf_event_open: Permission denied" in found
    assert "never freeing would need 44 GiB" in found


@pytest.mark.skipif(shutil.which("tidy") is None, reason="tidy is not installed")
def test_the_page_is_valid_html() -> None:
    value = make(workloads=fake_documents.WORKLOADS[2:4], samples=40)
    fake_documents.invalidate(value, "jemalloc", HOSTILE)
    fake_documents.kill(value, len(value["trials"]) - 1)
    text = page.render(document.parse(json.dumps(value).encode(), "r.json"), None)
    found = subprocess.run(["tidy", "-q", "-e", "-utf8"], input=text, capture_output=True, text=True)
    assert (found.returncode, found.stderr) == (0, "")


def test_the_chosen_baseline_and_an_unknown_one() -> None:
    assert "compared with the baseline, mimalloc" in words(render(make(), "mimalloc"))
    with pytest.raises(UserError, match="nosuch"):
        render(make(), "nosuch")


def test_the_floor_is_never_ranked() -> None:
    value = make()
    found = render(value)
    assert "floor, not ranked" in words(found)
    with pytest.raises(UserError):
        render(value, "null")
    top = words(found).split("Workloads")[2]
    assert "null" not in top.split("CPU time")[0]


def test_hostile_names_change_nothing() -> None:
    value = json.loads(
        json.dumps(make(workloads=fake_documents.WORKLOADS[2:4], samples=9))
        .replace("jemalloc", "HOSTILE")
        .replace("larson2", "HOSTILE")
    )
    value = json.loads(json.dumps(value).replace('"HOSTILE', json.dumps(HOSTILE)[:-1]))
    value["tool"]["command"] += [HOSTILE]
    value["host"]["deciding"][HOSTILE] = HOSTILE
    value["doctor"].append({"id": HOSTILE, "status": HOSTILE, "what": HOSTILE, "remedy": HOSTILE})
    value["capabilities"].append(
        {"group": HOSTILE, "layer": HOSTILE, "status": HOSTILE, "reason": HOSTILE, "remedy": HOSTILE}
    )
    fake_documents.invalidate(value, "system", HOSTILE, rounds=1)
    found = render(value)
    assert "alert(1)" in words(found) and "{{7*7}}" in words(found)


def test_one_round_one_workload_one_allocator() -> None:
    found = words(render(make(rounds=1, workloads=fake_documents.WORKLOADS[:1], allocators=("system",))))
    assert "there is nothing to compare it with" in found and "1 round: too few" in found


def test_one_round_claims_nothing() -> None:
    found = words(render(make(rounds=1)))
    assert "came first in CPU time" in found and "1 round cannot make a difference certain" in found


def test_an_arm_with_only_invalid_trials() -> None:
    value = make()
    fake_documents.invalidate(value, "jemalloc", "malloc resolves to libc")
    found = words(render(value))
    assert "12 of 60 trials invalid" in found and "malloc resolves to libc" in found
    assert "jemalloc is not ranked" in found and "no valid trial" in found


def test_the_baseline_with_only_invalid_trials() -> None:
    value = make()
    fake_documents.invalidate(value, "system", "crashed")
    assert "compared with the baseline, jemalloc" in words(render(value))
    assert "system" in words(render(value, "system"))


def test_nothing_valid_and_nothing_at_all() -> None:
    value = make()
    for name in [*fake_documents.ALLOCATORS, "null"]:
        fake_documents.invalidate(value, name, "crashed")
    assert "Not one trial is valid" in words(render(value))
    assert "ended before its first round" in words(render(value | {"trials": [], "complete": False}))
    assert "ended before its first round" in words(render({"schema": "faultline-results/1", "trials": []}))


def test_a_killed_run_says_so() -> None:
    value = make(rounds=8)
    fake_documents.kill(value, len(value["trials"]) * 7 // 8 + 3 - 5)
    found = words(render(value))
    assert "run cut short: 6 of 8 rounds whole" in found


def test_what_was_not_measured_is_never_zero() -> None:
    value = make()
    for trial in value["trials"]:
        trial["peak_rss_bytes"] = None
        trial["latency"] = []
    value["capabilities"] = [
        {"group": "rss", "layer": "procfs", "status": "unavailable", "reason": "no /proc", "errno": 2}
    ]
    found = words(render(value))
    assert "Peak heap: not measured: no /proc" in found and "Memory over time: not measured" in found


def test_a_value_of_zero_is_shown_as_a_difference() -> None:
    value = make()
    for trial in value["trials"]:
        for phase in trial["phases"]:
            phase["minor_faults"] = 0 if trial["allocator"] == "system" else phase["minor_faults"]
    render(value)


def test_twelve_allocators_with_long_names() -> None:
    names = [
        "system",
        *(f"an-allocator-with-a-very-long-name-indeed-number-{n:02d}-of-them" for n in range(11)),
    ]
    found = render(make(rounds=3, allocators=names))
    assert names[11] in words(found)


def test_the_command_writes_a_file_or_a_directory(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "r.json"
    source.write_text(json.dumps(make(rounds=2)))
    assert command.run([str(source), "-o", str(tmp_path / "deep" / "out")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "deep" / "out" / "index.html")
    assert command.run([str(source), "-o", str(tmp_path / "a.html"), "-q"]) == 0
    assert (tmp_path / "a.html").read_text() == (tmp_path / "deep" / "out" / "index.html").read_text()
    assert [entry.name for entry in (tmp_path / "deep" / "out").iterdir()] == ["index.html"]


def test_the_same_document_gives_the_same_bytes() -> None:
    loaded = document.parse(json.dumps(make(rounds=3)).encode(), "r.json")
    assert page.render(loaded, None) == page.render(loaded, None)


def test_a_report_of_some_workloads(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = tmp_path / "r.json", tmp_path / "r.html"
    source.write_text(json.dumps(make(rounds=2)))
    assert command.run([str(source), "-o", str(target), "--only", "glibc-simple", "-q"]) == 0
    assert "On this workload" in words(check(target.read_text()))
    with pytest.raises(UserError, match="nosuch"):
        command.run([str(source), "--only", "nosuch"])


def test_many_workloads_have_tables_and_no_pictures() -> None:
    rows = [(f"row-{number}", "batch", 1, "") for number in range(101)]
    found = render(make(rounds=2, workloads=rows, allocators=("system", "jemalloc")))
    assert "the pictures of 101 workloads are left out" in words(found) and "row-100" in words(found)
