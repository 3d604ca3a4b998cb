"""The first screen for those who do not want HTML: plain text, Markdown, or JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from faultline_reports import formatting
from faultline_reports.model import Trial
from faultline_reports.report import overview, pareto, sentence, shares, trust
from faultline_reports.report.analysis import Analysis
from faultline_reports.report.overview import Cell, Heat
from faultline_reports.statistics.verdict import Effect

SIGNS = {"good": "ok", "warn": "warning", "bad": "problem"}


def text(analysis: Analysis) -> str:
    """Aligned columns."""
    parts = [*_head(analysis, "", "  "), ""]
    for heat in _shown(analysis):
        parts.append(f"{heat.metric.title}, compared with {analysis.baseline}; less is better")
        parts += [*_columns(_rows(analysis, heat)), ""]
    parts.append(_last(analysis))
    if _shown(analysis):
        rows, missing = _divided(analysis)
        parts += ["", *([SHARES_TITLE, *_columns(rows)] if rows else []), *missing]
    return "\n".join(parts).rstrip("\n") + "\n"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths))
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    return lines


def markdown(analysis: Analysis) -> str:
    """GitHub's Markdown. Names are escaped: they come from users."""
    head, *rest = _head(analysis, "**", "- ")
    parts = [
        f"## {escaped(head)}",
        "",
        *(line if line.startswith("**") else escaped(line) for line in rest),
        "",
    ]
    for heat in _shown(analysis):
        parts.append(f"**{heat.metric.title}** compared with {escaped(analysis.baseline)}; less is better")
        parts.append("")
        parts += [*_table(_rows(analysis, heat)), ""]
    parts.append(escaped(_last(analysis)))
    if _shown(analysis):
        rows, missing = _divided(analysis)
        if rows:
            parts += ["", f"**{SHARES_TITLE}**", "", *_table(rows)]
        parts += ["", *(escaped(f"- {line}") for line in missing)]
    return "\n".join(parts).rstrip("\n") + "\n"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    rule = "|" + "|".join([" --- "] + [" ---: "] * (len(rows[0]) - 1)) + "|"
    first, *rest = map(_line, rows)
    return [first, rule, *rest]


def _line(row: Sequence[str]) -> str:
    return "| " + " | ".join(escaped(cell) for cell in row) + " |"


def escaped(line: str) -> str:
    """Nothing in it is Markdown or HTML any more, but a list's dash at its start."""
    marker, body = (line[:2], line[2:]) if line.startswith("- ") else ("", line)
    for character in "\\`*_{}[]<>|#~$":
        body = body.replace(character, f"&#{ord(character)};")
    return marker + body.replace("://", ":&#47;/").replace("@", "&#64;")


def _head(analysis: Analysis, bold: str, bullet: str) -> list[str]:
    answer, badges = sentence.answer(analysis), trust.badges(analysis)
    return [
        answer.headline,
        *([" ".join(answer.remarks)] if answer.remarks else []),
        "",
        f"{bold}{trust.verdict(badges).text}{bold}",
        *([""] if bold else []),
        *(f"{bullet}{SIGNS[badge.state]}: {badge.text}" for badge in badges),
    ]


def _shown(analysis: Analysis) -> list[Heat]:
    """CPU time and peak memory: what the sentence speaks of."""
    wanted = (analysis.time.metric.key, analysis.memory.metric.key)
    found = [heat for heat in overview.heats(analysis) if heat.metric.key in wanted]
    return found if analysis.document.rounds and analysis.baseline else []


def _rows(analysis: Analysis, heat: Heat) -> list[list[str]]:
    rows = [["workload", *(allocator.name for allocator in analysis.document.subjects())]]
    if heat.mean:
        rows.append(["all workloads", *map(_cell, heat.mean)])
    return rows + [[row.workload, *map(_cell, row.cells)] for row in heat.rows]


def _cell(cell: Cell) -> str:
    if not cell.mark:
        return cell.value if cell.detail == "baseline" else f"{cell.value} ({cell.detail})"
    remark = f" {cell.remark}" if cell.remark else ""
    return f"{cell.mark} {cell.value} ({cell.detail}){remark}"


SHARES_TITLE = f"Resident heap when most was resident, of it in per cent {', '.join(shares.KINDS)}"


def _divided(analysis: Analysis) -> tuple[list[list[str]], list[str]]:
    """What resident memory is made of: rows of a table, none where nothing was divided, and what was not
    measured, with the reason."""
    names = [allocator.name for allocator in analysis.document.subjects()]
    found = _shares(analysis)
    rows = [
        [label, *(cells.get(name, formatting.NOT_MEASURED) for name in names)]
        for label, of_workload in found.items()
        if (cells := shares.short(of_workload))
    ]
    missing: dict[str, list[str]] = {}
    for label, of_workload in found.items():
        if why := shares.why_missing(of_workload):
            missing.setdefault(why, []).append(label)
    whole = len(found)
    lines = [
        why if len(labels) == whole else f"{why} ({', '.join(labels)})" for why, labels in missing.items()
    ]
    return [["workload", *names], *rows] if rows else [], lines


def _shares(analysis: Analysis) -> dict[str, shares.Shares]:
    """By workload."""
    document = analysis.document
    trials: dict[str, list[Trial]] = {}
    for trial in document.occupancy:
        trials.setdefault(trial.workload, []).append(trial)
    return {
        entry.label: shares.of(document, document.subjects(), trials.get(entry.label, []))
        for entry in document.compared_workloads()
    }


def _last(analysis: Analysis) -> str:
    """What else to know of the tables, where there are any."""
    if not _shown(analysis):
        return ""
    return (
        f"{_front(analysis)}▼▲ certain, ▽△ the same way in every round, = no difference that matters, "
        "? inconclusive"
    )


def _front(analysis: Analysis) -> str:
    front = pareto.of(analysis)
    if front is None or not front.certain:
        return ""
    return f"Unbeaten in time and memory together: {', '.join(front.front)}. "


def as_json(analysis: Analysis) -> str:
    """Estimates are logarithms of ratios (`log_ratio`) or differences in the metric's unit."""
    document = analysis.document
    answer, front = sentence.answer(analysis), pareto.of(analysis)
    badges = trust.badges(analysis)
    value: dict[str, Any] = {
        "schema": "faultline-summary/1",
        "source": document.source,
        "baseline": analysis.baseline,
        "headline": answer.headline,
        "remarks": list(answer.remarks),
        "trust_verdict": trust.verdict(badges).word,
        "trust": [{"state": badge.state, "text": badge.text} for badge in badges],
        "rounds": len(document.rounds),
        "metrics": {
            metric.key: {
                "title": metric.title,
                "unit": metric.unit or "count",
                "means": {
                    name: _effect(effect) for name, effect in analysis.matrices[metric.key].means.items()
                },
                "not_in_means": list(analysis.matrices[metric.key].unsteady),
                "workloads": {
                    entry.label: {
                        name: _effect(effect)
                        for name in (allocator.name for allocator in document.subjects())
                        if (effect := analysis.matrices[metric.key].cells.get((entry.label, name)))
                    }
                    for entry in document.workloads
                },
            }
            for metric in analysis.metrics
        },
        "memory": {label: shares.as_json(found) for label, found in _shares(analysis).items()},
        "front": list(front.front) if front and front.certain else None,
    }
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "scale": "log_ratio" if effect.scale.value == "ratio" else "difference",
        "estimate": effect.shown.estimate,
        "interval": [effect.shown.low, effect.shown.high],
        "confidence": effect.shown.confidence,
        "simultaneous_interval": list(effect.together) if effect.together else None,
        "verdict": effect.verdict.value,
        "same_way": effect.unanimous,  # 1 or -1: more, or less, in every round
        "rounds": effect.samples,
    }


FORMATS: dict[str, Callable[[Analysis], str]] = {"markdown": markdown, "text": text, "json": as_json}
