"""The gate's answer in its forms: Markdown, terminal, JUnit, annotations."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest
from fake_gate import AS_JSON, Fake, result_of
from faultline_reports.gate import junit, markdown, terminal, workflow
from faultline_reports.gate.decision import Outcome
from faultline_reports.gate.result import Verdict


def test_markdown_fits_a_comment_and_names_cannot_make_markup(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_faultline(effects={"new": [1.1, 1.05, 1.05]}, rows=12)
    result = result_of(capsys, monkeypatch)
    whole = markdown.text(result)
    assert "❌" in whole and "**regression**" in whole and "| pair:size=64 | CPU time |" in whole
    for limit in (3_000, 6_000):
        page = markdown.text(result, limit)
        assert (
            len(page) <= limit
            and "left out" in page
            and page.count("**regression**") < whole.count("**regression**")
        )
    assert markdown.escaped("<a>|@all `x`\n[y](z)") == r"\<a\>\|\@all \`x\` \[y\](z)"


def test_each_reason_is_said_once_and_by_the_same_word_everywhere(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_faultline(effects={"new": [1.1, 1.0, 1.0]}, rows=9)
    result = result_of(capsys, monkeypatch)
    assert len(result.reasons) == 1 and result.reasons[0].startswith("CPU time in pair:size=64, ")
    assert result.reasons[0].endswith(" and 3 more: worse than the limit")
    page, shown = markdown.text(result), "\n".join(terminal.lines(result, True))
    value = json.loads(AS_JSON(result))
    assert page.count("worse than the limit") == shown.count("worse than the limit") == 1
    assert value["verdict"] == "regression" and "REGRESSION: new" in page and "REGRESSION: new" in shown
    words = [row["outcome"] for row in value["rows"]]
    assert words.count("regression") == page.count("**regression**") == 9
    assert shown.count("  regression\n") == 9
    fake_faultline(noise=0.5, rows=9)
    open_ = result_of(capsys, monkeypatch)
    assert open_.verdict is Verdict.INCONCLUSIVE and len(open_.reasons) == 1
    assert markdown.text(open_).count("could be worse") == 1


def test_junit_and_annotations_agree_with_the_verdict(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_faultline(effects={"new": [1.1, 1.0, 1.0]})
    result = result_of(capsys, monkeypatch)
    root = ElementTree.fromstring(junit.text(result))
    failures = [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None]
    assert failures == ["CPU time", "CPU time"]
    assert sum(int(suite.get("failures", "0")) for suite in root) == 2
    lines = workflow.text(result).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::notice"]
    assert "CPU time +10 %25" in lines[0]
    assert result.verdict is Verdict.REGRESSION


def commands_of(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Workflow commands as the runner reads them: `::NAME KEY=VALUE,...::DATA`, one on a line, with
    %25, %0D and %0A for what ends a line and in values also %3A and %2C (actions/runner, ActionCommand.cs).
    """

    def plain(value: str) -> str:
        assert not re.search(r"%(?!25|0A|0D|3A|2C)", value)
        return re.sub("%(25|0A|0D|3A|2C)", lambda code: chr(int(code.group(1), 16)), value)

    found = []
    for line in text.splitlines():
        match = re.fullmatch(r"::(error|warning|notice) ([^:]*)::(.*)", line)
        assert match is not None, line
        pairs = dict(entry.split("=", 1) for entry in match.group(2).split(","))
        found.append(
            (match.group(1), {key: plain(value) for key, value in pairs.items()}, plain(match.group(3)))
        )
    return found


def test_annotations_are_what_a_runner_reads_whatever_the_names(
    fake_faultline: Fake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_faultline(effects={"new": [1.1, 1.05, 1.05]}, rows=12)
    result = result_of(capsys, monkeypatch)
    hostile = "a::error file=x,line=1::b%0A\r\n::stop-commands::x"
    rows = [replace(row, workload=hostile) for row in result.rows]
    found = commands_of(workflow.text(replace(result, rows=rows)))
    assert [name for name, _, _ in found] == ["error", "notice"]
    for _, pairs, data in found:
        assert pairs == {"title": "faultline gate: regression"}
        assert hostile in data and len(data) < 64 * 1024
    assert f"and {len(result.of(Outcome.REGRESSION)) - 20} more" in found[0][2]
