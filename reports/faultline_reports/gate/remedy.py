"""What to set for a verdict, where the budget was too short for one: in words that can be pasted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from faultline_reports.gate.schedule import TooShort
from faultline_reports.runner.budget import words


def remedy(short: TooShort, budget_s: float, labels_of: Mapping[str, Sequence[str]]) -> str:
    """`labels_of`: the words of the plan, each with the labels of the workloads that it is."""
    budget = f"for a verdict set the budget to {math.ceil(short.needed_s / 60)}m or more"
    if not short.enough:
        return f"{budget}, or name workloads that take less"
    named = " ".join(_spelled(short.enough, labels_of))
    return f"{budget}; or for one within {words(budget_s)} set the suite to: {named}"


def _spelled(labels: Sequence[str], labels_of: Mapping[str, Sequence[str]]) -> list[str]:
    """As words of a plan: one that is no more than that workload, else its suite and label."""
    return [
        word if len(own) == 1 else f"{word}/{label}"
        for word, own in labels_of.items()
        for label in own
        if label in labels
    ]
