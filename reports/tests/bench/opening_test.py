"""How long a page of suite `full` on seven allocators takes to open in Chromium, and how large it is.
FAULTLINE_BENCH_OPENS sets how often it is opened (default: 5)."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import statistics
import subprocess

import fake_details
import fake_documents
import pytest
from faultline_reports import document
from faultline_reports.report import page

BROWSER = pathlib.Path(__file__).parents[1] / "browser"
WORKLOADS, ROUNDS = 44, 10  # of suite full
OPENS = os.environ.get("FAULTLINE_BENCH_OPENS", "5")


def rendered() -> str:
    """Every workload with latencies by size of block, live bytes, memory divided and the kernel's part."""
    known = fake_documents.WORKLOADS
    rows = [(f"{known[n % len(known)][0]}-{n}", *known[n % len(known)][1:]) for n in range(WORKLOADS)]
    made = fake_documents.make(rounds=ROUNDS, workloads=rows, allocators=tuple(fake_documents.ALLOCATORS))
    made = fake_details.counted(fake_details.occupied(fake_details.by_size(fake_details.alive(made))))
    return page.render(document.parse(json.dumps(made).encode(), "full.json"), None)


def test_a_page_of_suite_full(tmp_path: pathlib.Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None or shutil.which("node") is None or not (BROWSER / "node_modules").is_dir():
        pytest.skip("SKIPPED: run ci/install tests for Chromium and the node packages")
    target = tmp_path / "full.html"
    target.write_text(rendered(), "utf-8")
    said = subprocess.run(
        ["node", str(BROWSER / "opening.js"), OPENS, str(target)],
        env={**os.environ, "CHROMIUM": chromium},
        capture_output=True,
        text=True,
        check=True,
    )
    opens = json.loads(said.stdout)[str(target)]
    assert len(opens) == int(OPENS) and opens[0]["elements"] > 1000 * WORKLOADS
    print(f"\n{target.stat().st_size:,} bytes, {OPENS} opens")
    for name in opens[0]:
        values = [one[name] for one in opens]
        print(f"{name:16} median {statistics.median(values):9,.0f}, {min(values):,.0f} to {max(values):,.0f}")
