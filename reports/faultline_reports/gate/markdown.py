"""The gate's result as Markdown for a pull request, within what a comment may hold.

GitHub refuses a comment of more than 65,536 characters. Rows are left out from the end, those that passed
first, and the page says how many.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from faultline_reports import formatting
from faultline_reports.gate.decision import Outcome
from faultline_reports.gate.result import Result, Row, Verdict
from faultline_reports.gate.terminal import SHOWN, facts, is_notable

LIMIT = 60_000  # characters, with room for what a bot adds
SIGNS = {Verdict.PASS: "✅", Verdict.REGRESSION: "❌", Verdict.INCONCLUSIVE: "❔", Verdict.COULD_NOT_TELL: "⚠️"}
HEAD = "| workload | metric | base | candidate | difference | 90 % interval | limit | could see | |"
RULE = "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |"


def text(result: Result, limit: int = LIMIT) -> str:
    reasons = [f"- {escaped(reason)}" for reason in result.reasons]
    top = [f"### {SIGNS[result.verdict]} faultline gate: {escaped(result.head())}", "", result.counts(), ""]
    bottom = ["", *(f"<sub>{escaped(fact)}</sub><br>" for fact in facts(result)), ""]
    notable = [row for row in result.rows if is_notable(result, row)]
    passed = [row for row in result.rows if row.outcome not in SHOWN]
    room = limit - _size([*top, *bottom]) - 400
    kept_reasons, room = _fitting(reasons, room)
    first, room = _fitting([_line(row) for row in notable], room)
    rest, _ = _fitting([_line(row) for row in passed], room)
    page = top + kept_reasons
    if len(kept_reasons) < len(reasons):
        page.append(f"- and {len(reasons) - len(kept_reasons)} more")
    if notable:
        page += ["", HEAD, RULE, *first]
    if rest:
        page += ["", "<details><summary>What passed</summary>", "", HEAD, RULE, *rest, "", "</details>"]
    left_out = len(notable) - len(first) + len(passed) - len(rest)
    if left_out:
        page += ["", f"{formatting.count(left_out, 'row')} left out: the page would be too long."]
    return "\n".join(page + bottom)


def _size(lines: Sequence[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _fitting(lines: Sequence[str], room: int) -> tuple[list[str], int]:
    """The lines that fit, from the first on, and what room they leave."""
    kept: list[str] = []
    for line in lines:
        if len(line) + 1 > room:
            break
        kept.append(line)
        room -= len(line) + 1
    return kept, room


def _line(row: Row) -> str:
    cells = [
        row.workload,
        row.metric.short,
        *row.cells(),
        f"**{row.outcome.value}**" if row.outcome is Outcome.REGRESSION else row.outcome.value,
    ]
    return f"| {' | '.join(escaped(cell) if '**' not in cell else cell for cell in cells)} |"


def escaped(value: str) -> str:
    """Names come from users and libraries: nothing in them may make markup, links or mentions."""
    return re.sub(r"([\\`*_{}\[\]<>|#@!~])", r"\\\1", value).replace("\n", " ")
