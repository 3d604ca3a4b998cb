"""The gate's result as JSON, `faultline-gate/2`."""

from __future__ import annotations

import json
import math
from typing import Any

from faultline_reports.gate.result import Result, Row
from faultline_reports.statistics.verdict import Scale


def text(result: Result) -> str:
    value = {
        "schema": "faultline-gate/2",
        "verdict": result.verdict.words,
        "exit": int(result.verdict),
        "base": result.base,
        "candidate": result.candidate,
        "policy": result.policy,
        "rounds": result.rounds,
        "confirm_rounds": result.confirm_rounds,
        "seconds": round(result.seconds, 1),
        "budget_s": result.budget_s,
        "reasons": list(result.reasons),
        "notes": [*result.notes, result.false_alarms],
        "rows": [_row(row) for row in result.rows],
    }
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _row(row: Row) -> dict[str, Any]:
    answer = row.answer
    return {
        "workload": row.workload,
        "metric": row.metric.key,
        "tier": row.question.rule.tier.value,
        "outcome": row.outcome.value,
        "scale": "log_ratio" if row.question.scale is Scale.RATIO else "difference",
        "base_median": _number(row.question.base),
        "candidate_median": _number(row.candidate),
        "estimate": _number(answer.estimate),
        "interval": [_number(answer.low), _number(answer.high)],
        "limit": _number(answer.limit),
        "detectable": _number(row.detectable),
        "p": _number(answer.p),
        "rounds": answer.rounds,
        "confirmed_on_fresh_rounds": answer.named,
        "note": row.note,
    }


def _number(value: float | None) -> float | None:
    """JSON knows neither NaN nor infinity: what is not known is null."""
    return value if value is not None and math.isfinite(value) else None
