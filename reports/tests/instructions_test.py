"""The gate's count of instructions, on a stand-in for valgrind, and once on the real one."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import fake_documents
import pytest
from faultline_reports import document
from faultline_reports.gate import __main__ as gate
from faultline_reports.gate import instructions
from faultline_reports.gate.policy import Policy

Fake = Callable[..., None]
VALGRIND = """#!/bin/sh
for word in "$@"; do
    case $word in --callgrind-out-file=*) out=${word#*=} ;; --seed=*) seed=${word#*=} ;; esac
done
count=1000000
case $LD_PRELOAD in *new.so) count=%s ;; esac
echo "totals: $count" > "$out"
exit %d
"""


@pytest.fixture
def valgrind(
    fake_faultline: Fake, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> Callable[[str, int], None]:
    """Sets what Callgrind counts for the candidate (shell; $seed is the stream's) and its exit status."""
    monkeypatch.setenv("PATH", f"{tmp_path}/tools:{os.environ['PATH']}")
    (tmp_path / "tools").mkdir()
    (tmp_path / "gate.toml").write_text('instructions = "always"\n')

    def setup(count: str, status: int = 0) -> None:
        script = tmp_path / "tools" / "valgrind"
        script.write_text(VALGRIND % (count, status))
        script.chmod(0o755)

    return setup


def counted(capsys: pytest.CaptureFixture[str]) -> tuple[int, list[dict[str, Any]]]:
    status = gate.run(["old=/a.so", "new=/b.so", "--seed", "5", "-q", "--json"])
    rows = json.loads(capsys.readouterr().out)["rows"]
    return status, [row for row in rows if row["metric"] == "instructions"]


def test_one_percent_more_instructions_fail(valgrind: Any, capsys: pytest.CaptureFixture[str]) -> None:
    valgrind("1010000")
    status, rows = counted(capsys)
    assert status == 1 and [row["outcome"] for row in rows] == ["regression", "regression"]
    assert rows[0]["rounds"] == 2  # counted again on another stream


def test_as_many_pass_and_are_counted_once(valgrind: Any, capsys: pytest.CaptureFixture[str]) -> None:
    valgrind("1001000")
    status, rows = counted(capsys)
    assert status == 0 and [(row["outcome"], row["rounds"]) for row in rows] == [("pass", 1)] * 2


def test_what_another_stream_does_not_show_passes(valgrind: Any, capsys: pytest.CaptureFixture[str]) -> None:
    valgrind("$((1030000 - 15000 * seed * seed))")
    status, rows = counted(capsys)
    assert status == 0 and [(row["outcome"], row["rounds"]) for row in rows] == [("pass", 2)] * 2


def test_more_that_could_not_be_counted_again_is_not_forgotten(
    valgrind: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    valgrind("$((seed == 1 ? 1030000 : 0))")
    status, rows = counted(capsys)
    assert status == 2 and [row["outcome"] for row in rows] == ["inconclusive"] * 2
    assert "not confirmed" in rows[0]["note"] and rows[0]["estimate"] > 0.02


@pytest.mark.parametrize(("count", "status"), [("0", 0), ("7", 1), ("x", 0)])
def test_no_count_is_said_and_fails_nothing(
    valgrind: Any, capsys: pytest.CaptureFixture[str], count: str, status: int
) -> None:
    valgrind(count, status)
    found, rows = counted(capsys)
    assert found == 0 and {row["outcome"] for row in rows} == {"not measured"}
    assert "Callgrind" in rows[0]["note"]


def test_by_default_only_builds_of_one_library_are_counted() -> None:
    value = fake_documents.make(rounds=1, allocators=("system", "slabuddy"), samples=0)
    loaded = document.parse(json.dumps(value).encode(), "r.json")
    arms = ("system", "slabuddy")
    assert instructions.wanted(loaded, arms, Policy()) == []
    same = [dataclasses.replace(a, path=f"/{a.name}/libmine.so") for a in loaded.allocators]
    builds = dataclasses.replace(loaded, allocators=same)
    wanted = instructions.wanted(builds, arms, Policy())
    assert wanted and all(workload.threads == 1 for workload in wanted)
    assert instructions.wanted(builds, arms, Policy(instructions="never")) == []
    one = [dataclasses.replace(a, sha256="1") for a in same]
    assert instructions.wanted(dataclasses.replace(loaded, allocators=one), arms, Policy()) == []


PROGRAM = os.environ.get("FAULTLINE_LIBEXEC", "") + "/../../bin/faultline"


@pytest.mark.skipif(
    not os.path.exists(PROGRAM) or shutil.which("valgrind") is None, reason="needs the program and valgrind"
)
def test_on_the_program_itself(tmp_path: pathlib.Path) -> None:
    """slabuddy against its checked build, which does more: the count must say so."""
    library = pathlib.Path(PROGRAM).resolve().parents[1] / "lib"
    for name, file in (("old", "libslabuddy.so"), ("new", "libslabuddy-checked.so")):
        (tmp_path / name).mkdir()
        shutil.copy(library / file, tmp_path / name / "libslabuddy.so")
    (tmp_path / "gate.toml").write_text("rounds = 2\nconfirm_rounds = 2\n")
    arms = ["old=old/libslabuddy.so", "new=new/libslabuddy.so", "pair:size=64,operations=200000"]
    done = subprocess.run(
        [PROGRAM, "gate", *arms, "--seed", "1", "--json", "-q"],
        cwd=tmp_path,
        env={**os.environ, "XDG_DATA_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    rows = [row for row in json.loads(done.stdout)["rows"] if row["metric"] == "instructions"]
    assert [row["outcome"] for row in rows] == ["regression"], rows
    assert rows[0]["base_median"] > 200_000 and done.returncode == 1
