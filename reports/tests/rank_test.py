"""Order, ties and the front of more than two allocators."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import fake_documents
import numpy as np
import pytest
from faultline_reports import rank
from faultline_reports.errors import UserError
from faultline_reports.statistics import ranking


def arms(levels: dict[str, float], rounds: int = 20, noise: float = 0.01) -> dict[str, dict[int, float]]:
    rng = np.random.default_rng(1)
    return {name: dict(enumerate(level + rng.normal(0, noise, rounds))) for name, level in levels.items()}


def test_what_differs_is_apart_and_what_does_not_is_tied() -> None:
    found = ranking.rank(arms({"slow": 0.3, "one": 0.0, "two": 0.0, "middle": 0.1}))
    assert found is not None
    assert set(found.order[:2]) == {"one", "two"} and found.order[2:] == ["middle", "slow"]
    assert found.groups == {"one": "a", "two": "a", "middle": "b", "slow": "c"}
    assert found.against_best["slow"].low < 0.3 < found.against_best["slow"].high


def test_an_arm_between_two_others_has_both_letters() -> None:
    better = {("a", "c")}
    assert ranking._letters(["a", "b", "c"], better) == {"a": "a", "b": "ab", "c": "b"}
    all_apart = {("a", "b"), ("a", "c"), ("b", "c")}
    assert ranking._letters(["a", "b", "c"], all_apart) == {"a": "a", "b": "b", "c": "c"}


def test_arms_that_are_the_same_are_hardly_ever_put_apart() -> None:
    rng = np.random.default_rng(2)
    apart = 0
    for _ in range(200):
        shared = rng.normal(0, 0.1, 20)
        values = {str(n): dict(enumerate(shared + rng.normal(0, 0.02, 20))) for n in range(6)}
        found = ranking.rank(values)
        apart += bool(found and found.better)
    assert apart <= 0.05 * 200 + 3 * np.sqrt(200 * 0.05 * 0.95)


def test_too_little_is_no_ranking() -> None:
    assert ranking.rank({}) is None
    assert ranking.rank({"a": {0: 1.0}}) is None
    assert ranking.rank({"a": {0: 1.0}, "b": {1: 1.0}}) is None
    one = ranking.rank({"a": {0: 1.0}, "b": {0: 2.0}})
    assert one is not None and one.groups == {"a": "a", "b": "a"}


def test_the_front_leaves_out_what_is_beaten_for_nothing() -> None:
    time = ranking.rank(arms({"fast": 0.0, "small": 0.3, "bad": 0.5, "tied": 0.0}))
    memory = ranking.rank(arms({"fast": 0.5, "small": 0.0, "bad": 0.6, "tied": 0.5}))
    assert time is not None and memory is not None
    assert set(ranking.front([time, memory])) == {"fast", "small", "tied"}
    assert ranking.front([]) == []


def written(tmp_path: pathlib.Path, value: dict[str, Any]) -> str:
    (tmp_path / "r.json").write_text(json.dumps(value))
    return str(tmp_path / "r.json")


def test_the_command_ranks_a_document(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    value = fake_documents.make(
        rounds=20, workloads=fake_documents.WORKLOADS[:3], samples=0, shape_spread=0.0
    )
    path = written(tmp_path, value)
    assert rank.run([path]) == 0
    text = capsys.readouterr().out
    assert "geometric mean of 3 workloads, 20 rounds" in text and "Pareto front over CPU time" in text
    assert rank.run([path, "--json", "--workload", "larson2"]) == 0
    found = json.loads(capsys.readouterr().out)
    order = [row["allocator"] for row in found["rankings"]["cpu_ns_per_operation"]["order"]]
    assert order[0] == "mimalloc" and order[-1] == "scudo" and "null" not in order
    assert found["front"]


def test_rounds_too_few_to_tell_any_two_apart_are_said(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value = fake_documents.make(rounds=5, workloads=fake_documents.WORKLOADS[:1], samples=0, shape_spread=0.0)
    assert rank.run([written(tmp_path, value)]) == 0
    assert "5 rounds cannot tell any two" in capsys.readouterr().out


def test_memory_is_ranked_by_the_heaps_part_where_it_is_large_enough(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = fake_documents.WORKLOADS[:2]
    value = fake_documents.make(rounds=20, workloads=rows, allocators=("system", "scudo"), samples=0)
    for trial in value["trials"]:
        more = 2 if trial["allocator"] == "scudo" else 1
        size = 2**20 if trial["workload"] == rows[0][0] else 2**10
        trial["peak_rss_bytes"] = trial["baseline_rss_bytes"] + more * 10 * size
    assert rank.run([written(tmp_path, value), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["rankings"]["peak_heap_bytes"]
    assert found["workloads"] == [rows[0][0]]
    assert [row["allocator"] for row in found["order"]] == ["system", "scudo"]
    assert found["order"][1]["log_ratio_to_best"] == pytest.approx(np.log(2))


def test_a_workload_whose_baseline_swings_is_in_no_mean(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = fake_documents.WORKLOADS[:2]
    value = fake_documents.make(rounds=3, workloads=rows, allocators=("system", "scudo"), samples=0)
    swing = (10, 56, 25)
    for trial in value["trials"]:
        swings = trial["allocator"] == "system" and trial["workload"] == rows[1][0]
        size = swing[trial["round"] % 3] if swings else 20
        trial["peak_rss_bytes"] = trial["baseline_rss_bytes"] + size * 2**20
    path = written(tmp_path, value)
    assert rank.run([path, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["rankings"]
    heap, time = found["peak_heap_bytes"], found["cpu_ns_per_operation"]
    assert heap["workloads"] == [rows[0][0]] and heap["not_in_mean"] == [rows[1][0]]
    assert time["workloads"] == [rows[0][0], rows[1][0]] and not time["not_in_mean"]
    assert rank.run([path]) == 0
    text = capsys.readouterr().out
    assert text.count(f"not in the mean, for swinging too far from round to round: {rows[1][0]}\n") == 1


def test_what_cannot_be_ranked_is_one_line(tmp_path: pathlib.Path) -> None:
    value = fake_documents.make(
        rounds=2, workloads=fake_documents.WORKLOADS[:1], allocators=("system",), samples=0
    )
    path = written(tmp_path, value)
    with pytest.raises(UserError, match="no two allocators"):
        rank.run([path])
    with pytest.raises(UserError, match="has no workload 'x'"):
        rank.run([path, "--workload", "x"])
    with pytest.raises(UserError, match="no two allocators"):
        rank.run([written(tmp_path, {"schema": "faultline-results/1", "trials": []})])
