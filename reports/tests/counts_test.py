"""`faultline counts`: which figures it prints, and that it says what was not measured."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import fake_documents
import pytest
from faultline_reports import counts
from faultline_reports.errors import UserError


def metric(name: str, group: str, kind: str = "counter", scope: str = "process") -> dict[str, str]:
    return {
        "name": name,
        "group": group,
        "layer": "bpf-tp",
        "kind": kind,
        "scope": scope,
        "help": f"help of {name}",
    }


METRICS = [
    metric("faults_anonymous", "fault_kinds"),
    metric("kmalloc_calls", "slab", scope="partly"),
    metric("kmalloc_bytes", "slab", scope="partly"),
    metric("swap_in_pages", "memcg_events"),
    metric("rss_bytes", "memory", kind="gauge"),
    metric("host_page_faults", "vm", scope="host"),
]
TABLES = [
    {
        "name": "slab_caches",
        "group": "slab",
        "layer": "bpf-tp",
        "key": "cache",
        "columns": ["calls", "bytes"],
        "help": "",
    }
]
KERNEL = {"faults_anonymous": 98304, "kmalloc_calls": 7, "kmalloc_bytes": 3 * 2**20, "swap_in_pages": 0}


@pytest.fixture
def results(tmp_path: pathlib.Path) -> str:
    """One workload on two allocators; the counted trials of `system` have counts, `jemalloc` none."""
    value: dict[str, Any] = fake_documents.make(
        rounds=2,
        workloads=[("one", "batch", 1, "")],
        allocators=("system", "jemalloc"),
        floor=False,
        samples=0,
    )
    value["metrics"], value["tables"], value["counts"] = METRICS, TABLES, []
    value["capabilities"] = [
        {
            **{
                "group": "vmalloc",
                "layer": "bpf-tp",
                "status": "unavailable",
                "reason": "no such tracepoint",
            },
            **{"errno": 2, "remedy": "a newer kernel"},
        }
    ]
    for trial in value["trials"]:
        for phase in trial["phases"]:
            phase["kernel"] = {}
            phase["operations"] = 1000 if phase["name"] == "measure" else 0
        if trial["allocator"] == "system" and trial["round"] == 0:
            copy = json.loads(json.dumps(trial))
            for phase in copy["phases"]:
                if phase["name"] == "measure":
                    rows = [["dentry", 1, 192], ["maple_node", 6140, 6140 * 256]]
                    phase["kernel"], phase["tables"] = KERNEL, {"slab_caches": rows}
            value["counts"].append(copy)
    path = tmp_path / "r.json"
    path.write_text(json.dumps(value))
    return str(path)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, list[str]]:
    """The cells of each line by the name of its count."""
    assert counts.run(arguments) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    return {words[1].rstrip("~"): words for words in lines if len(words) > 3}


def test_counts_are_exact_and_zero_is_left_out(results: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(capsys, results)
    assert found["faults_anonymous"][2:4] == ["98,304", "-"]
    assert found["kmalloc_calls"][1] == "kmalloc_calls~"
    assert found["kmalloc_bytes"][2:4] == ["3.00", "MiB"]
    assert not {"swap_in_pages", "rss_bytes", "host_page_faults"} & set(found)


def test_groups_and_division(results: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(capsys, results, "--per", "operation", "--group", "fault_kinds")
    assert found["faults_anonymous"][2] == "98.3"
    assert "kmalloc_calls" not in found


def test_a_group_in_which_nothing_happened_says_so(results: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert counts.run([results, "--group", "memcg_events"]) == 0
    assert "nothing of these groups was counted" in capsys.readouterr().out


def test_tables_have_their_largest_rows_first(results: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert counts.run([results]) == 0
    text = capsys.readouterr().out
    assert 0 < text.index("maple_node") < text.index("dentry")
    assert "6,140" in text


def test_what_could_not_be_counted_is_said(results: str, capsys: pytest.CaptureFixture[str]) -> None:
    value = json.loads(pathlib.Path(results).read_text())
    value["metrics"].append(metric("vmap_alloc_calls", "vmalloc"))
    pathlib.Path(results).write_text(json.dumps(value))
    assert counts.run([results]) == 0
    assert "not measured: vmalloc by bpf-tp: no such tracepoint; a newer kernel" in capsys.readouterr().out


def test_json(results: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert counts.run([results, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["workloads"]["one"]
    assert found["system"]["counts"]["faults_anonymous"] == 98304
    assert found["system"]["counts"]["swap_in_pages"] == 0
    assert found["jemalloc"]["counts"]["faults_anonymous"] is None


def test_bad_input_is_one_line(results: str, tmp_path: pathlib.Path) -> None:
    with pytest.raises(UserError, match="has no workload 'two'"):
        counts.run([results, "--workload", "two"])
    with pytest.raises(UserError, match="has no group of probes 'colour'"):
        counts.run([results, "--group", "colour"])
    (tmp_path / "empty.json").write_text(json.dumps({"schema": "faultline-results/1", "trials": []}))
    with pytest.raises(UserError, match="has no kernel counts"):
        counts.run([str(tmp_path / "empty.json")])
