"""A page's verdicts follow from the samples in it, and a change is told; other forms of the first screen."""

from __future__ import annotations

import json
import pathlib
import re
import struct
from typing import Any

import fake_documents
import pytest
from faultline_reports import document
from faultline_reports.errors import UserError
from faultline_reports.report import __main__ as command
from faultline_reports.report import as_text, page, raw, verify
from faultline_reports.report.analysis import analyse

HOSTILE = '</pre><script>alert(1)</script>,"x"\n=cmd() `$x$` @all #1'


def make(**options: Any) -> dict[str, Any]:
    options.setdefault("workloads", fake_documents.WORKLOADS[1:3])
    options.setdefault("allocators", ("system", "jemalloc", "mimalloc"))
    return fake_documents.make(**{"rounds": 7, "samples": 0, **options})


def rendered(value: dict[str, Any], **options: Any) -> str:
    loaded = document.parse(json.dumps(value).encode(), "r.json")
    return page.render(loaded, options.get("baseline"), options.get("false_alarms"), draws=False)


def differences(text: str) -> list[str]:
    lines, claims = verify.differences(verify.read(text), "r.html")
    assert claims > 20
    return lines


def spoiled() -> dict[str, Any]:
    value = make()
    fake_documents.invalidate(value, "jemalloc", "crashed", workload="larson2")
    fake_documents.invalidate(value, "mimalloc", "crashed", rounds=2)
    for trial in value["trials"]:
        trial["peak_rss_bytes"] = trial["peak_rss_bytes"] if trial["round"] else None
    return value


def hostile() -> dict[str, Any]:
    text = json.dumps(make())
    for name in ("jemalloc", "larson2"):
        text = text.replace(f'"{name}"', json.dumps(HOSTILE))
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def killed() -> dict[str, Any]:
    value = make()
    fake_documents.kill(value, 46)
    return value


@pytest.mark.parametrize("value", [make(), make(rounds=1), spoiled(), hostile(), killed(), make(floor=False)])
def test_a_page_follows_from_its_samples(value: dict[str, Any]) -> None:
    assert differences(rendered(value)) == []


def test_also_without_an_allocator_in_what_was_measured() -> None:
    value = make(allocators=("none",), floor=False)
    value["plan"]["allocators"][0]["role"] = "kernel"
    lines, claims = verify.differences(verify.read(rendered(value)), "r.html")
    assert lines == [] and claims


def test_also_with_another_baseline_and_a_calibrated_host() -> None:
    assert differences(rendered(make(), baseline="mimalloc", false_alarms="at most 1 %")) == []


def test_a_changed_sample_is_found() -> None:
    text = rendered(make())
    line = re.search(r"\n3,jemalloc,1,([0-9]+),", text)
    assert line is not None
    changed = text[: line.start(1)] + str(int(line.group(1)) * 10) + text[line.end(1) :]
    assert any("jemalloc" in entry for entry in differences(changed))


def test_a_changed_verdict_headline_or_badge_is_found() -> None:
    text = rendered(make())
    headline = re.search(r"<h1>(.*?)</h1>", text)
    cell = re.search(r'<td class="s-?[0-9][^>]*>.*?<b>([−+][^<]*)</b>', text)
    assert headline is not None and cell is not None
    lines = differences(text.replace(headline.group(1), "jemalloc wins"))
    assert lines[0].startswith("the headline: the page says “jemalloc wins”, its samples give “Over 2")
    assert any("mimalloc" in e or "jemalloc" in e for e in differences(_at(text, cell.span(1), "−99 %")))
    assert any(e.startswith("badge 1: ") for e in differences(text.replace("all 56 trials", "all 99 trials")))


def _at(text: str, span: tuple[int, int], new: str) -> str:
    return text[: span[0]] + new + text[span[1] :]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is no report"),
        ("<p>no report</p>", "is no report"),
        ('<script id="context">{"schema": "x"}</script>', "has x, not"),
        ('<script id="context">{"schema": "faultline-report/1"}</script>', "holds no document"),
        ('<script id="context">{</script>', "breaks off"),
    ],
)
def test_what_is_no_report_is_said_in_a_line(text: str, what: str) -> None:
    with pytest.raises(UserError, match=what):
        verify.differences(verify.read(text), "r.html")


@pytest.mark.parametrize("row", ["1,2,3", "x" + ",1" * 11, "1,a,1" + ",z" * 9])
def test_samples_that_are_none_are_said_in_a_line(row: str) -> None:
    text = rendered(make())
    head = ",".join(raw.COLUMNS)
    with pytest.raises(UserError, match="cannot be read|is not|floating point"):
        verify.differences(verify.read(text.replace(f"{head}\n", f"{head}\n{row}\n", 1)), "r.html")


def test_the_command_answers_yes_or_no(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "r.html"
    place.write_text(rendered(make()))
    assert command.run(["--verify", str(place)]) == 0
    assert re.search(r"yes: the \d+ claims of .* follow from its 56 samples", capsys.readouterr().out)
    place.write_text(place.read_text().replace("<h1>", "<h1>Surely, "))
    assert command.run(["--verify", str(place)]) == 1
    out = capsys.readouterr().out
    assert "the headline: the page says" in out and re.search(r"no: 1 of \d+ claims differ", out)


def analysis_of(value: dict[str, Any]) -> Any:
    return analyse(document.parse(json.dumps(value).encode(), "r.json"), None)


def test_the_first_screen_as_text_markdown_and_json() -> None:
    found = analysis_of(make())
    headline = as_text.text(found).splitlines()[0]
    assert headline.startswith("Over 2 workloads")
    assert "larson2" in as_text.text(found) and "Peak heap, compared with system" in as_text.text(found)
    assert f"## {headline}"[:30] in as_text.markdown(found)
    value = json.loads(as_text.as_json(found))
    assert value["headline"] == headline
    cell = value["metrics"]["cpu_ns_per_operation"]["workloads"]["larson2"]["jemalloc"]
    assert cell["scale"] == "log_ratio" and cell["interval"][0] <= cell["estimate"] <= cell["interval"][1]


@pytest.mark.parametrize(
    "value", [spoiled(), make(rounds=1), {"schema": "faultline-results/1", "trials": []}]
)
def test_every_form_of_awkward_documents(value: dict[str, Any]) -> None:
    for form in as_text.FORMATS.values():
        assert form(analysis_of(value)).endswith("\n")


def test_hostile_names_stay_names_in_markdown() -> None:
    text = as_text.markdown(analysis_of(hostile()))
    for piece in ("<script", "`$", "@all", " #1"):
        assert piece not in text
    widths = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert widths == {5}


def test_the_picture_of_the_summary(tmp_path: pathlib.Path) -> None:
    source, target = tmp_path / "r.json", tmp_path / "s.png"
    source.write_text(json.dumps(make()))
    assert (
        command.run([str(source), "--png", str(target), "--format", "text", "-o", str(tmp_path / "t")]) == 0
    )
    content = target.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    assert width > 1200 and 300 < height < 1200
