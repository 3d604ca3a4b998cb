"""The shards of a plan become the document that one node would have made; anything less is refused."""

from __future__ import annotations

import copy
import json
import pathlib
from typing import Any

import fake_documents
import pytest
from faultline_reports import comparison, document, merge, validate
from faultline_reports.errors import UserError

ROUNDS = 6
SPLIT = (
    4  # of the second workload: its rounds before are the first shard's, as the whole of the first workload
)


@pytest.fixture
def whole() -> dict[str, Any]:
    result = fake_documents.make(
        rounds=ROUNDS, workloads=fake_documents.WORKLOADS[:3], allocators=("system", "jemalloc"), samples=2
    )
    for number in range(ROUNDS):
        for position, trial in enumerate(t for t in result["trials"] if t["round"] == number):
            trial["position"] = position
    result["trials"].sort(key=lambda trial: (trial["round"], trial["position"]))
    result["plan"]["first_round"] = 0
    return result


def shards_of(whole: dict[str, Any]) -> list[dict[str, Any]]:
    one, two, three = (row["workload"] for row in whole["plan"]["workloads"])
    cuts = [[(one, 0, ROUNDS), (two, 0, SPLIT)], [(two, SPLIT, ROUNDS - SPLIT), (three, 0, ROUNDS)]]
    return [shard(whole, index, cut) for index, cut in enumerate(cuts, 1)]


def shard(whole: dict[str, Any], index: int, cut: list[tuple[str, int, int]]) -> dict[str, Any]:
    result = copy.deepcopy(whole)
    runs = {(label, first + number) for label, first, rounds in cut for number in range(rounds)}
    result["trials"] = [t for t in whole["trials"] if (t["workload"], t["round"]) in runs]
    result["benchmarks"] = [
        b for b in whole["benchmarks"] if (b["name"].rpartition("/")[0], b["repetition_index"]) in runs
    ]
    parts = [{"workload": label, "first_round": first, "rounds": rounds} for label, first, rounds in cut]
    result["plan"]["shard"] = {"index": index, "of": 2, "parts": parts}
    result["host"]["hostname"] = f"n{index}"
    return result


def joined(tmp_path: pathlib.Path, *parts: dict[str, Any]) -> dict[str, Any]:
    paths = []
    for number, value in enumerate(parts):
        paths.append(str(tmp_path / f"part{number}.json"))
        pathlib.Path(paths[-1]).write_text(json.dumps(value), "utf-8")
    assert merge.run([*paths, "-o", str(tmp_path / "whole.json")]) == 0
    result: dict[str, Any] = json.loads((tmp_path / "whole.json").read_text("utf-8"))
    return result


def test_all_shards_in_any_order_are_the_plan_of_one_node(
    tmp_path: pathlib.Path, whole: dict[str, Any]
) -> None:
    one, two = shards_of(whole)
    found = joined(tmp_path, two, one)
    for key in ("trials", "plan", "benchmarks", "rounds_whole", "complete", "capabilities", "metrics"):
        assert found[key] == whole[key], key
    assert [(entry["index"], entry["hostname"]) for entry in found["shards"]] == [(1, "n1"), (2, "n2")]
    assert validate.problems(found) == [] and validate.problems(one) == []
    rows = comparison.within(document.load(str(tmp_path / "whole.json")), "system", "jemalloc")
    alone = comparison.within(document.parse(json.dumps(whole).encode(), "w"), "system", "jemalloc")
    assert rows == alone


def test_the_only_shard_is_the_whole(tmp_path: pathlib.Path, whole: dict[str, Any]) -> None:
    labels = [row["workload"] for row in whole["plan"]["workloads"]]
    alone = shard(whole, 1, [(label, 0, ROUNDS) for label in labels])
    alone["plan"]["shard"]["of"] = 1
    assert joined(tmp_path, alone)["trials"] == whole["trials"]


def test_a_temporary_folder_of_its_own_is_no_other_environment(
    tmp_path: pathlib.Path, whole: dict[str, Any]
) -> None:
    one, two = shards_of(whole)
    two["plan"]["environment"]["TMPDIR"] = "/scratch/job.7"
    assert joined(tmp_path, one, two)["complete"]


def test_a_shard_that_was_cut_short_leaves_the_rounds_that_all_have(
    tmp_path: pathlib.Path, whole: dict[str, Any]
) -> None:
    one, two = shards_of(whole)
    two["trials"] = [t for t in two["trials"] if t["round"] < 3]
    two.update(complete=False, rounds_whole=3)
    found = joined(tmp_path, one, two)
    assert (found["complete"], found["rounds_whole"], found["plan"]["rounds"]) == (False, 3, ROUNDS)
    assert document.load(str(tmp_path / "whole.json")).rounds == [0, 1, 2]
    assert document.load(str(tmp_path / "part1.json")).rounds == [0, 1, 2]  # the whole rounds of its part


def test_missing_and_doubled_shards_are_named(tmp_path: pathlib.Path, whole: dict[str, Any]) -> None:
    one, two = shards_of(whole)
    with pytest.raises(UserError, match="shard 1 of 2 is missing"):
        joined(tmp_path, two)
    with pytest.raises(UserError) as doubled:
        joined(tmp_path, one, two, two)
    assert doubled.value.where == f"{tmp_path}/part1.json and {tmp_path}/part2.json"
    assert doubled.value.what == "are both shard 2 of 2"
    assert not (tmp_path / "whole.json").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["plan"].pop("shard"), "is no shard, and others are"),
        (lambda d: d["plan"]["shard"].update(of=3), "are shards of 2 and of 3"),
        (lambda d: d["plan"]["shard"].update(index="2"), "is no K of N"),
        (lambda d: d["plan"].update(rounds=7), "plans that differ in rounds"),
        (lambda d: d["plan"].update(first_round=6), "plans that differ in first_round"),
        (lambda d: d["plan"]["workloads"].pop(), "plans that differ in workloads"),
        (lambda d: d["plan"]["allocators"].pop(), "plans that differ in allocators"),
        (lambda d: d["plan"].update(seed=1), "plans differ in seed"),
        (lambda d: d["host"].update(fingerprint="x", deciding={"cpus": 4}), "hosts differ in kernel"),
    ],
)
def test_what_is_no_shard_of_the_plan_is_refused(
    tmp_path: pathlib.Path, whole: dict[str, Any], change: Any, words: str
) -> None:
    one, two = shards_of(whole)
    change(two)
    with pytest.raises(UserError, match=words):
        joined(tmp_path, one, two)
