"""The figures of `faultline pressure`, from made-up documents: nothing is run."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from faultline_reports import pressure
from faultline_reports.errors import UserError

MIB = 1 << 20


def trial(allocator: str, seconds: float, peak_mib: int, invalid: Optional[str] = None) -> dict[str, Any]:
    phase = {
        "name": "measure", "operations": 1000, "wall_ns": int(seconds * 1e9), "minor_faults": 5,
        "major_faults": 1, "kernel": {
            "box_peak_bytes": peak_mib * MIB, "swap_in_pages": 256, "memcg_reclaim_ns": int(seconds * 5e8)},
    }  # fmt: skip
    return {
        "allocator": allocator, "valid": invalid is None, "invalid_reason": invalid,
        "harness_bytes": 10 * MIB, "phases": [phase],
    }  # fmt: skip


def test_a_cell_has_medians_of_valid_trials_and_the_working_set_without_the_harness() -> None:
    raw = {
        "trials": [trial("a", 1, 30), trial("a", 2, 30), trial("a", 4, 30), trial("a", 9, 90, "was killed")],
        "counts": [trial("a", 2, 30), trial("b", 1, 1)],
    }
    found = pressure.cell(raw, "a")
    assert (found["trials"], found["valid"], found["invalid_reason"]) == (4, 3, "was killed")
    assert found["operations_per_s"] == 500
    assert found["working_set_bytes"] == 20 * MIB
    assert found["counts"]["swap_in_pages"] == 256
    assert found["counts"]["swap_out_pages"] is None


def test_what_was_never_valid_has_no_figures() -> None:
    found = pressure.cell({"trials": [trial("a", 1, 30, "was killed")]}, "a")
    assert found["operations_per_s"] is None and found["working_set_bytes"] is None


def test_the_table_shows_throughput_against_room_and_says_what_was_invalid() -> None:
    room = pressure.cell({"trials": [trial("a", 1, 30)], "counts": []}, "a")
    slow = pressure.cell({"trials": [trial("a", 4, 30)], "counts": [trial("a", 4, 30)]}, "a")
    dead = pressure.cell({"trials": [trial("a", 4, 30, "was killed")]}, "a")
    text = pressure.table(
        {
            "workload": "w", "rounds": 1, "working_set_bytes": 20 * MIB, "working_set_of": "a",
            "with_room": {"cells": [room]},
            "limits": [{"swap": "zram:1G", "limit_percent": share, "cells": [entry]}
                       for share, entry in ((75, slow), (50, dead))],
        }
    )  # fmt: skip
    assert "working set 20.0 MiB (a)" in text
    assert (
        "75 %  a              250                   25%    1.00 MiB    -               -         50%" in text
    )
    assert "50 %, zram:1G, a: 1 of 1 invalid: was killed" in text


@pytest.mark.parametrize("text, size", [("zram:1G", 1 << 30), ("file:512M", 512 * MIB), ("zram:4096", 4096)])
def test_swap_has_a_kind_and_a_size(text: str, size: int) -> None:
    assert pressure.swap_bytes(text) == size


@pytest.mark.parametrize("text", ["", "zram", "zram:0", "disk:1G", "zram:1X", "zram:-1G"])
def test_what_is_no_swap_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        pressure.swap_bytes(text)


def test_what_does_not_fit_is_refused_before_it_runs() -> None:
    pressure.check_fit([100, 50], {"zram:1G": 1 << 30}, 100 * MIB, {"a": 100 * MIB, "b": 200 * MIB})
    with pytest.raises(UserError, match="b"):
        pressure.check_fit([50], {"zram:100M": 100 * MIB}, 100 * MIB, {"a": 100 * MIB, "b": 200 * MIB})
    with pytest.raises(UserError, match="50 %"):
        pressure.check_fit([50], {"zram:1G": 1 << 30}, 20 * MIB, {"a": 20 * MIB})
