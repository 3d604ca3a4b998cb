"""The mean over workloads and what is left out of it: the cases that the summary in C++ is tried by too."""

from __future__ import annotations

import dataclasses
import json
import math
import pathlib
from typing import Any

import pytest
from faultline_reports import comparison, metrics
from faultline_reports.statistics.thresholds import Margin
from faultline_reports.statistics.verdict import Arms, judge_paired

CASES = json.loads((pathlib.Path(__file__).parent / "cases" / "means.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=[case["says"] for case in CASES])
def test_means_leave_out_and_give_what_the_summary_does(case: dict[str, Any]) -> None:
    plain = metrics.by_key("cpu_ns_per_operation")
    metric = dataclasses.replace(plain, margin=Margin(0.03, ratio_from=case["ratio_from"]))
    table = {
        (label, name): {n: value for n, value in enumerate(values) if value is not None}
        for label, arms in case["workloads"].items()
        for name, values in arms.items()
    }
    labels = list(case["workloads"])
    family = {
        (label, name): Arms(table[label, "base"], table[label, name], metric.margin)
        for label in labels
        for name in case["means"]
    }
    steady = comparison.steady_labels(labels, family)
    assert steady == case["steady"]
    for name, mean in case["means"].items():
        arms, used = comparison.mean_arms(table, steady, "base", name, metric)
        effect = judge_paired([arms])[0]
        assert effect is not None and math.exp(effect.shown.estimate) == pytest.approx(mean["ratio"])
        assert len(used) == mean["over"]
