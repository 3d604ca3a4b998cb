"""Why a gate is no plain pass: each reason once, with where it holds; the figures are in the rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from faultline_reports.gate.decision import Outcome
from faultline_reports.gate.result import Row

MOST = 6  # workloads named of one metric
ORDER = (Outcome.REGRESSION, Outcome.BROKEN, Outcome.INCONCLUSIVE)


def grouped(rows: Iterable[Row], outcome: Outcome) -> list[str]:
    """ "CPU time in larson2 and glibc-simple: worse than the limit", one for each reason."""
    places: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        if row.outcome is outcome:
            why = row.answer.why or (
                "worse than the limit" if outcome is Outcome.REGRESSION else outcome.value
            )
            places.setdefault(why, {}).setdefault(row.metric.short, []).append(row.workload)
    return [
        f"{'; '.join(f'{metric} in {listed(names)}' for metric, names in metrics.items())}: {why}"
        for why, metrics in places.items()
    ]


def listed(names: Sequence[str]) -> str:
    shown = list(names[:MOST])
    if len(names) > MOST:
        shown.append(f"{len(names) - MOST} more")
    return ", ".join(shown[:-1]) + " and " + shown[-1] if len(shown) > 1 else shown[0]
