"""ci/GATE.md says what the gate does: its words, every key of gate.toml, and the defaults."""

from __future__ import annotations

import pathlib
import re
import tomllib

import pytest
from faultline_reports.gate import policy
from faultline_reports.gate.decision import Outcome, Tier
from faultline_reports.gate.policy import DEFAULT_RULES, Policy
from faultline_reports.gate.result import Verdict

PAGE = (pathlib.Path(__file__).parents[2] / "ci" / "GATE.md").read_text(encoding="utf-8")


def table(head: str) -> list[list[str]]:
    """The cells of the table whose first line begins with `head`."""
    lines = PAGE[PAGE.index(f"\n{head}") + 1 :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def plain(cell: str) -> str:
    return cell.strip("`")


def test_the_words_are_those_of_the_gate() -> None:
    verdicts = {row[0]: int(row[1]) for row in table("| verdict |")}
    assert verdicts == {verdict.words: int(verdict) for verdict in Verdict}
    assert [row[0] for row in table("| row |")] == [outcome.value for outcome in Outcome]


def test_one_word_for_one_thing() -> None:
    """What a row and the gate share has one word."""
    assert Outcome.REGRESSION.value == Verdict.REGRESSION.words
    assert Outcome.INCONCLUSIVE.value == Verdict.INCONCLUSIVE.words
    assert Outcome.BROKEN.value == Verdict.COULD_NOT_TELL.words


def test_every_key_is_there_with_its_default() -> None:
    keys = {plain(row[0]): plain(row[1]) for row in table("| key |")}
    simple = [key for key in policy.SETTINGS if key not in ("metric", "allow")]
    expected = [
        *simple,
        *(f"metric.KEY.{key}" for key in policy.OF_A_METRIC),
        *(f"allow.{key}" for key in policy.OF_AN_ALLOWANCE),
    ]
    assert list(keys) == expected
    defaults = tomllib.loads("\n".join(f"{key} = {keys[key]}" for key in simple))
    default = Policy()
    assert defaults == {
        "budget": f"{default.budget_s / 60:g}m",
        "workloads": list(default.workloads),
        "rounds": default.rounds,
        "confirm_rounds": default.confirm_rounds,
        "instructions": default.instructions,
    }


def test_every_metric_is_there_with_its_defaults() -> None:
    told = {plain(row[0]): (Tier(row[1]), float(row[2]), float(row[3])) for row in table("| KEY |")}
    assert told == {key: (r.tier, r.relative, r.absolute) for key, r in DEFAULT_RULES.items()}
    assert "limits of\n`minor_faults`" in PAGE


@pytest.mark.parametrize("row", table("| key |"), ids=lambda row: plain(row[0]))
def test_every_example_is_taken(tmp_path: pathlib.Path, row: list[str]) -> None:
    key, example = plain(row[0]), plain(row[3])
    if key.startswith("allow."):
        others = [plain(other[3]) for other in table("| key |") if other[0].startswith("`allow.")]
        example = "[[allow]]\n" + "\n".join(others)
    (tmp_path / "gate.toml").write_text(example + "\n")
    loaded = policy.load(str(tmp_path / "gate.toml"))
    changed = (loaded.rules, loaded.allowances, loaded.budget_s, loaded.workloads, loaded.rounds)
    changed_too = (loaded.confirm_rounds, loaded.instructions)
    default = Policy()
    assert (changed, changed_too) != (
        (default.rules, (), default.budget_s, default.workloads, default.rounds),
        (default.confirm_rounds, default.instructions),
    )
