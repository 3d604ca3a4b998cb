"""Parts of one plan become one document; anything else is refused with a line."""

from __future__ import annotations

import copy
import json
import math
import pathlib
from typing import Any

import fake_documents
import pytest
from faultline_reports import comparison, document, merge, validate
from faultline_reports.errors import UserError


@pytest.fixture
def whole() -> dict[str, Any]:
    return fake_documents.make(
        rounds=6, workloads=fake_documents.WORKLOADS[:2], allocators=("system", "jemalloc"), samples=2
    )


def part(whole: dict[str, Any], first: int, rounds: int) -> dict[str, Any]:
    result = copy.deepcopy(whole)
    result["trials"] = [t for t in result["trials"] if first <= t["round"] < first + rounds]
    result["plan"].update(rounds=rounds, first_round=first)
    result["rounds_whole"] = rounds
    return result


def joined(tmp_path: pathlib.Path, *parts: Any) -> dict[str, Any]:
    paths = []
    for number, value in enumerate(parts):
        paths.append(str(tmp_path / f"part{number}.json"))
        text = value if isinstance(value, str) else json.dumps(value)
        pathlib.Path(paths[-1]).write_text(text, "utf-8")
    assert merge.run([*paths, "-o", str(tmp_path / "whole.json")]) == 0
    result: dict[str, Any] = json.loads((tmp_path / "whole.json").read_text("utf-8"))
    return result


def test_slices_in_any_order_are_the_run_they_were_cut_from(
    tmp_path: pathlib.Path, whole: dict[str, Any]
) -> None:
    found = joined(tmp_path, part(whole, 4, 2), part(whole, 0, 1), part(whole, 1, 3))
    assert found["trials"] == whole["trials"]
    assert (found["plan"]["rounds"], found["rounds_whole"], found["complete"]) == (6, 6, True)
    assert validate.problems(found) == []
    path = str(tmp_path / "whole.json")
    rows = comparison.within(document.load(path), "system", "jemalloc")
    assert rows == comparison.within(
        document.parse(json.dumps(whole).encode(), "whole"), "system", "jemalloc"
    )


def test_workloads_that_were_run_apart_join(tmp_path: pathlib.Path, whole: dict[str, Any]) -> None:
    parts = []
    for row in whole["plan"]["workloads"]:
        one = copy.deepcopy(whole)
        one["plan"]["workloads"] = [row]
        one["trials"] = [t for t in one["trials"] if t["workload"] == row["workload"]]
        parts.append(one)
    found = joined(tmp_path, *parts)
    assert len(found["plan"]["workloads"]) == 2 and found["rounds_whole"] == 6
    assert len(found["trials"]) == len(whole["trials"])


def test_a_part_that_was_cut_short_leaves_the_whole_incomplete(
    tmp_path: pathlib.Path, whole: dict[str, Any]
) -> None:
    last = part(whole, 4, 2)
    last["trials"] = [t for t in last["trials"] if t["round"] == 4]
    last.update(complete=False, rounds_whole=1)
    last["tool"]["finished"] = None
    found = joined(tmp_path, part(whole, 0, 4), last)
    assert (found["complete"], found["plan"]["rounds"], found["rounds_whole"]) == (False, 6, 5)
    assert found["tool"]["finished"] is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["host"].update(fingerprint="x", deciding={"cpus": 4}), "hosts differ in kernel"),
        (lambda d: d["host"].update(fingerprint="x"), "fingerprints are not the same"),
        (lambda d: d["plan"].update(seed=1), "plans differ in seed"),
        (lambda d: d["plan"]["environment"].update(MALLOC_CONF="x"), "plans differ in environment"),
        (lambda d: d["plan"]["workloads"][0]["parameters"].update(operations="1"), "parameters of pair"),
        (lambda d: d["plan"]["allocators"][1].update(sha256="0"), "jemalloc is another library"),
        (lambda d: d["tool"].update(version="9"), "made by faultline 0.1.0 and 9"),
        (lambda d: [t.update(round=0) for t in d["trials"] if t["round"] == 4], "both hold round 0"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    tmp_path: pathlib.Path, whole: dict[str, Any], change: Any, words: str
) -> None:
    other = part(whole, 4, 2)
    change(other)
    with pytest.raises(UserError, match=words):
        joined(tmp_path, part(whole, 0, 4), other)
    assert not (tmp_path / "whole.json").exists()


def test_limits_matter_in_a_box_alone(tmp_path: pathlib.Path, whole: dict[str, Any]) -> None:
    """Without one the limit is a share of the memory that was free, which is another in each slice."""
    one, other = part(whole, 0, 4), part(whole, 4, 2)
    one["plan"]["memory_limit_bytes"], other["plan"]["memory_limit_bytes"] = 2**30, 2**31
    assert joined(tmp_path, one, other)["rounds_whole"] == 6
    for raw in (one, other):
        raw["plan"]["swap"] = "none"
    with pytest.raises(UserError, match="plans differ in memory_limit_bytes"):
        joined(tmp_path, one, other)


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"schema": "x"}'])
def test_a_broken_part_is_one_line(tmp_path: pathlib.Path, whole: dict[str, Any], broken: str) -> None:
    with pytest.raises(UserError, match="part1.json"):
        joined(tmp_path, whole, broken)


def test_parts_without_trials_join(tmp_path: pathlib.Path, whole: dict[str, Any]) -> None:
    empty = {"schema": "faultline-results/1", "trials": []}
    assert joined(tmp_path, empty, empty)["rounds_whole"] == 0


def on_host(tmp_path: pathlib.Path, number: int, effect: float, **more: Any) -> str:
    value = fake_documents.make(
        seed=number, rounds=more.get("rounds", 12), workloads=fake_documents.WORKLOADS[:1],
        allocators=("system", "mine"), samples=2, shape_spread=0.0,
        more={"mine": (effect, 1.0, 1.0, 0.5, "1", "/opt/mine.so")},
    )  # fmt: skip
    value["host"]["fingerprint"] = more.get("host", f"{number:064x}")
    path = tmp_path / f"host{number}.json"
    path.write_text(json.dumps(value), "utf-8")
    return str(path)


def over_hosts(capsys: pytest.CaptureFixture[str], *paths: str) -> dict[str, dict[str, Any]]:
    assert merge.run([*paths, "--random-effects", "system", "mine", "--json"]) == 0
    return {row["metric"]: row for row in json.loads(capsys.readouterr().out)["rows"]}


def test_different_hosts_join_by_random_effects_when_asked(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alike = [on_host(tmp_path, n, 1.10) for n in range(4)]
    found = over_hosts(capsys, *alike)["cpu_ns_per_operation"]
    assert found["interval"][0] <= math.log(1.10) <= found["interval"][1] and found["interval"][0] > 0
    assert found["p_homogeneous"] > 0.001 and found["hosts"] == 4
    apart = [on_host(tmp_path, 10 + n, effect) for n, effect in enumerate((1.0, 1.1, 1.2, 1.3))]
    found = over_hosts(capsys, *apart)["cpu_ns_per_operation"]
    assert found["i_squared"] > 0.9 and found["p_homogeneous"] < 0.001
    assert found["between_hosts"] == pytest.approx(0.11, abs=0.03)
    low, high = found["prediction_interval"]
    assert low < found["interval"][0] and high > found["interval"][1]
    assert merge.run([*apart, "--random-effects", "system", "mine"]) == 0
    assert "between hosts" in capsys.readouterr().out


def test_without_being_asked_different_hosts_are_refused(tmp_path: pathlib.Path) -> None:
    paths = [on_host(tmp_path, n, 1.1) for n in range(2)]
    with pytest.raises(UserError, match="hosts' fingerprints are not the same"):
        merge.run([*paths, "-o", str(tmp_path / "x.json")])


def test_what_random_effects_cannot_join(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = on_host(tmp_path, 1, 1.1), on_host(tmp_path, 2, 1.1)
    same = on_host(tmp_path, 3, 1.1, host=f"{1:064x}")
    with pytest.raises(UserError, match="are not all of different hosts"):
        merge.run([one, same, "--random-effects", "system", "mine"])
    with pytest.raises(UserError, match="has no allocator 'other'"):
        merge.run([one, two, "--random-effects", "system", "other"])
    with pytest.raises(UserError, match="-o is missing"):
        merge.run([one, two])
    with pytest.raises(UserError, match="is for parts of one plan"):
        merge.run([one, two, "--random-effects", "system", "mine", "-o", "x"])
    single = over_hosts(capsys, one, on_host(tmp_path, 4, 1.1, rounds=1))["cpu_ns_per_operation"]
    assert single["missing"] == "too few rounds on one host for an interval"


def test_parts_that_were_counted_apart_join(tmp_path: pathlib.Path, whole: dict[str, Any]) -> None:
    first, second = part(whole, 0, 3), part(whole, 3, 3)
    first["plan"]["probes"], second["plan"]["probes"] = [], ["none"]
    first["counts"] = copy.deepcopy(first["trials"][:2])
    assert joined(tmp_path, first, second)["counts"] == first["counts"]
    second["plan"]["probes"] = ["inline", "syscalls"]
    with pytest.raises(UserError, match="counted while it was timed"):
        joined(tmp_path, first, second)
