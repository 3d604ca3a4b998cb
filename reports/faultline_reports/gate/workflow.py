"""The gate's result as annotations of a workflow: one for each verdict that matters, not one for each row.

GitHub shows at most ten annotations of a kind and step; what says the most comes in a single one.
"""

from __future__ import annotations

from collections.abc import Sequence

from faultline_reports.gate.decision import Outcome
from faultline_reports.gate.result import Result, Row, Verdict

MOST_ROWS = 20  # named in one annotation


def text(result: Result) -> str:
    lines = []
    if result.verdict in (Verdict.REGRESSION, Verdict.COULD_NOT_TELL):
        said = [row.sentence() for row in result.of(Outcome.REGRESSION, Outcome.BROKEN)] or list(
            result.reasons
        )
        lines.append(_command("error", result, said))
    elif result.verdict is Verdict.INCONCLUSIVE:
        lines.append(_command("warning", result, result.reasons))
    told: list[Row] = result.of(Outcome.ALLOWED, Outcome.ADVICE)
    if told:
        lines.append(_command("notice", result, [row.sentence() for row in told]))
    return "".join(line + "\n" for line in lines)


def _command(kind: str, result: Result, said: Sequence[str]) -> str:
    shown = [*said[:MOST_ROWS], *([f"and {len(said) - MOST_ROWS} more"] if len(said) > MOST_ROWS else [])]
    title = f"faultline gate: {result.verdict.words}"
    return f"::{kind} title={_escaped(title, ':,')}::{_escaped(chr(10).join(shown))}"


def _escaped(value: str, more: str = "") -> str:
    """As workflow commands want it: % and line ends as %XX, in a property also what separates properties."""
    for character in "%\r\n" + more:
        value = value.replace(character, f"%{ord(character):02X}")
    return value
