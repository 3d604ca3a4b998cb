"""The heat table's colours and what stands in the details under a workload."""

from __future__ import annotations

import importlib.resources
import json
import math
import re
from typing import Any

import fake_documents
import pytest
from faultline_reports import document, metrics, model
from faultline_reports.report import counted, details, overview
from faultline_reports.statistics.interval import Interval
from faultline_reports.statistics.verdict import Effect, Scale, Verdict

CPU = metrics.METRICS[0]


def cell(ratio: float, verdict: Verdict, unanimous: int = 0) -> overview.Cell:
    estimate = math.log(ratio)
    shown = Interval(estimate, estimate - 0.3, estimate + 0.3, 0.95, 0.95, 20)
    return overview.effect_cell(Effect(Scale.RATIO, shown, None, verdict, unanimous, True), CPU)


@pytest.mark.parametrize(
    ("ratio", "verdict", "css"),
    [
        (2.5, Verdict.HIGHER, "s4 certain"),
        (1.05, Verdict.HIGHER, "s1 certain"),
        (0.85, Verdict.LOWER, "s-2 certain"),
        (0.4, Verdict.LOWER, "s-4 certain"),
        (1.4, Verdict.INCONCLUSIVE, "s3 hatched"),
        (0.7, Verdict.INCONCLUSIVE, "s-3 hatched"),
        (1.01, Verdict.INCONCLUSIVE, "s0"),
        (1.02, Verdict.EQUIVALENT, "s0"),
    ],
)
def test_colour_follows_size_and_direction(ratio: float, verdict: Verdict, css: str) -> None:
    assert cell(ratio, verdict).css == css


def test_the_same_way_in_every_round_is_neither_certain_nor_hatched() -> None:
    assert cell(1.4, Verdict.INCONCLUSIVE, 1).css == "s3"


def test_every_coloured_cell_also_has_a_mark_and_words() -> None:
    for verdict in (Verdict.HIGHER, Verdict.LOWER, Verdict.INCONCLUSIVE):
        assert cell(1.4, verdict).mark and cell(1.4, verdict).word


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, two: str) -> float:
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_text_can_be_read_on_every_colour_of_both_themes() -> None:
    css = importlib.resources.files("faultline_reports.report").joinpath("templates/style.css").read_text()
    light, dark = (dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", part)) for part in css.split("@media", 2)[:2])
    for theme in (light, dark):
        for name in ("page", *(f"{hue}{step}" for hue in "lh" for step in range(1, 5))):
            assert contrast(theme["ink"], theme[name]) >= 4.5, name
        for name in ("page", "card"):
            assert contrast(theme["muted"], theme[name]) >= 4.5, name


def test_the_legend_names_each_colour() -> None:
    assert [css for css, _ in overview.legend()] == [f"s{step}" for step in (-4, -3, -2, -1, 1, 2, 3, 4)]


def loaded(cpu_ns: int) -> tuple[details.Trials, list[model.Allocator]]:
    value = fake_documents.make(rounds=3, workloads=fake_documents.WORKLOADS[:1], allocators=("system",))
    for trial in value["trials"]:
        for phase in trial["phases"]:
            phase |= {"cpu_ns": cpu_ns, "user_ns": 6_000_000, "system_ns": 2_000_000}
            phase["kernel"] = {"user_ns": 6_000_000, "kmalloc_calls": 7, "kfree_calls": 0}
    read = document.parse(json.dumps(value).encode(), "r.json")
    return {"system": [t for t in read.trials if t.allocator == "system"]}, list(read.subjects())


def test_short_phases_are_not_divided_between_program_and_kernel() -> None:
    read = document.parse(json.dumps(fake_documents.make(rounds=1, samples=0)).encode(), "r.json")
    for cpu_ns, program in ((99_000_000, "–"), (101_000_000, "6.00 ms")):
        trials, shown = loaded(cpu_ns)
        values = details.phases(shown, trials)[2].values
        at = details.PHASE_HEADS.index("CPU, program")
        assert values[at] == program and values[details.PHASE_HEADS.index("CPU")] != "–"
        grid, zeros = details.kernel(read, counted.of(["system"], trials, {}))
        assert grid is not None and zeros == ["kfree_calls"]
        assert {row[0]: row[1] for row in grid.rows} == {"user_ns": program, "kmalloc_calls": "7"}


def test_memory_before_the_first_operation_is_told_where_it_was_recorded() -> None:
    value = fake_documents.make(rounds=3, workloads=fake_documents.WORKLOADS[:1], allocators=("system",))
    for trial in value["trials"]:
        trial |= {
            "peak_rss_bytes": 8 * 2**20,
            "baseline_rss_bytes": 6 * 2**20,
            "harness_file_bytes": 2**16,
        }
    assert memory(value) == [["system", "8.00 MiB", "6.00 MiB", "2.00 MiB", "1.00 MiB", "64.0 KiB"]]
    for trial in value["trials"]:
        del trial["baseline_rss_bytes"]
    assert memory(value) is None


def memory(value: dict[str, Any]) -> list[list[str]] | None:
    read = document.parse(json.dumps(value).encode(), "r.json")
    trials = {"system": [trial for trial in read.trials if trial.allocator == "system"]}
    grid = details.memory(read.subjects(), trials)
    return [list(row) for row in grid.rows] if grid else None
